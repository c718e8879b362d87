"""The central 7/8 of the picture, straight to the frame, as Inception networks were fed."""

from __future__ import annotations

from roadworthy.pipeline.stages import Fit, geometry


@geometry(inner=0.875)
def inner(height: int, width: int, fit: Fit) -> tuple[int, int]:
    """Return the frame's size (H, W): the centre, 7/8 of each side, is resized to it.

    ``crop`` and ``resize_to`` play no part, and the aspect is given up. The 299-pixel variant of
    ImageNet-C was made so (Hendrycks & Dietterich, ICLR 2019).
    """
    del height, width
    assert fit.size is not None
    return fit.size
