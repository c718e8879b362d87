"""Through the file's own ICC profile, as printers and browsers do."""

from __future__ import annotations

import numpy as np
from PIL import Image as PillowImage

from roadworthy.pipeline.cmyks.pillow import pillow
from roadworthy.pipeline.colour_stages import Inks, cmyk
from roadworthy.pipeline.icc import space, to_srgb
from roadworthy.types import Image


@cmyk
def profile(inks: Inks, icc: bytes) -> Image:
    """Return ``inks``, uint8 (H, W, 4), as sRGB by the file's profile; plainly if it has none.

    Raises SampleError for a profile that cannot be used.
    """
    if space(icc) != b"CMYK":
        plain: Image = pillow.function(inks, icc)
        return plain
    return to_srgb(np.asarray(PillowImage.fromarray(inks, "CMYK")), icc, "CMYK")
