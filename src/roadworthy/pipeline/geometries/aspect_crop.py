"""The largest central part of the frame's aspect, as Keras' loader crops if asked to keep it."""

from __future__ import annotations

from roadworthy.pipeline.stages import Fit, Part, geometry


def part(height: int, width: int, fit: Fit) -> Part:
    """Return the largest part with the frame's aspect, its sides and its offset truncated."""
    assert fit.size is not None
    rows = max(1, min(height, int(width * fit.size[0] / fit.size[1])))
    columns = max(1, min(width, int(height * fit.size[1] / fit.size[0])))
    return (height - rows) // 2, (width - columns) // 2, rows, columns


@geometry(part=part)
def aspect_crop(height: int, width: int, fit: Fit) -> tuple[int, int]:
    """Return the frame's size (H, W), to which the central part of that aspect is resized.

    ``crop`` and ``resize_to`` play no part. Keras does so with ``crop_to_aspect_ratio``, and squashes
    without.
    """
    del height, width
    assert fit.size is not None
    return fit.size
