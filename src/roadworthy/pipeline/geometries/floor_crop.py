"""Keep the aspect as Hugging Face's processors do: the crop begins at a rounded-down offset."""

from __future__ import annotations

from roadworthy.pipeline.geometries.crop import crop
from roadworthy.pipeline.stages import Fit, geometry


def floored(have: int, want: int) -> int:
    """Return where ``want`` pixels in the middle of ``have`` begin, rounded down on both signs."""
    return (have - want) // 2


@geometry(offset=floored, crops=True)
def floor_crop(height: int, width: int, fit: Fit) -> tuple[int, int]:
    """Return the size (H, W) to resize to, the one of ``crop``: the longer side is truncated.

    Only the crop differs, by one pixel where the difference is 3, 7, 11, …: it begins at the half of
    it rounded down, where torchvision rounds half to even.
    """
    size: tuple[int, int] = crop.function(height, width, fit)
    return size
