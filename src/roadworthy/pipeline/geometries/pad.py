"""All of the picture in the frame: the longer side fits, the rest is black."""

from __future__ import annotations

from roadworthy.pipeline.stages import Fit, geometry


@geometry()
def pad(height: int, width: int, fit: Fit) -> tuple[int, int]:
    """Return the size (H, W) to resize to: as large as the frame holds, sides rounded.

    ``crop`` and ``resize_to`` play no part. An odd pixel of the border is below and on the right.
    """
    assert fit.size is not None
    scale = min(fit.size[0] / height, fit.size[1] / width)
    return max(1, round(height * scale)), max(1, round(width * scale))
