"""Leave the picture as it is stored, as the loaders of torchvision and timm do."""

from __future__ import annotations

from roadworthy.pipeline.stages import orient
from roadworthy.types import Image


@orient
def ignore(image: Image, exif: bytes) -> Image:
    """Return ``image``, uint8 (H, W, 3), whatever the EXIF block says."""
    del exif
    return image
