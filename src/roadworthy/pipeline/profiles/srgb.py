"""Bring colours to sRGB by the file's ICC profile, as browsers and phones do."""

from __future__ import annotations

from roadworthy.pipeline.icc import space, to_srgb
from roadworthy.pipeline.stages import profile
from roadworthy.types import Image


@profile
def srgb(image: Image, icc: bytes) -> Image:
    """Return ``image``, uint8 (H, W, 3), as sRGB; unchanged without a profile for its colours.

    Grey pictures take a profile for grey; one for CMYK is the business of the stage ``cmyk``. Raises
    SampleError for a profile that cannot be used.
    """
    if space(icc) == b"RGB ":
        return to_srgb(image, icc, "RGB")
    if space(icc) == b"GRAY" and (image == image[:, :, :1]).all():
        return to_srgb(image[:, :, 0], icc, "L")
    return image
