"""Turn the picture upright as its EXIF orientation says."""

from __future__ import annotations

import numpy as np

from roadworthy.pipeline.containers.tiff import orientation
from roadworthy.pipeline.stages import orient
from roadworthy.types import Image


@orient
def exif(image: Image, exif: bytes) -> Image:
    """Return ``image``, uint8 (H, W, 3), upright; a missing or invalid orientation changes nothing.

    The eight cases of tag 0x0112 of EXIF 2.32: 2 mirrors, 3 turns by half, 4 flips, and 5 to
    8 transpose too.
    """
    value = orientation(exif)
    if value >= 5:
        image = image.transpose(1, 0, 2)
    flip_rows, flip_columns = value in (3, 4, 7, 8), value in (2, 3, 6, 7)
    image = image[:: -1 if flip_rows else 1, :: -1 if flip_columns else 1]
    return np.ascontiguousarray(image)
