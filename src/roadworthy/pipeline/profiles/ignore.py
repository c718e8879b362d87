"""Leave the colours as they are stored; an ICC profile is not looked at."""

from __future__ import annotations

from roadworthy.pipeline.stages import profile
from roadworthy.types import Image


@profile
def ignore(image: Image, icc: bytes) -> Image:
    """Return ``image``, uint8 (H, W, 3), as Pillow, OpenCV and torchvision do."""
    del icc
    return image
