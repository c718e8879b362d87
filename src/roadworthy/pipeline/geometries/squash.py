"""Give up the aspect: both sides straight to the frame."""

from __future__ import annotations

from roadworthy.pipeline.stages import Fit, geometry


@geometry()
def squash(height: int, width: int, fit: Fit) -> tuple[int, int]:
    """Return the frame's size (H, W), or ``resize_to`` squared if given, to be cropped afterwards.

    ``crop`` plays no part. ImageNet-S squashes to 256 x 256 and crops 224 (Li et al., 2021).
    """
    del height, width
    assert fit.size is not None
    return fit.size if fit.resize_to is None else (fit.resize_to, fit.resize_to)
