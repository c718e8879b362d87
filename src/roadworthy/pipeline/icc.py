"""Colour profiles of the International Color Consortium: to sRGB with Pillow's ImageCms."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from roadworthy.errors import SampleError
from roadworthy.types import Image

PROFILES_KEPT = 64


def space(icc: bytes) -> bytes:
    """Return the colour space that a profile is for, such as ``b"RGB "``; empty without a profile."""
    return icc[16:20]


def to_srgb(pixels: NDArray[np.uint8], icc: bytes, mode: str) -> Image:
    """Return ``pixels`` of Pillow's ``mode`` as sRGB, uint8 (H, W, 3), by the profile ``icc``.

    The perceptual intent, as ``ImageCms.profileToProfile`` takes by default. Raises SampleError for a
    profile that cannot be used.
    """
    from PIL import ImageCms

    try:
        picture = _transform(icc, mode).apply(PillowImage.fromarray(pixels, mode))
    except (ImageCms.PyCMSError, OSError, ValueError) as error:
        raise SampleError(
            f"its colour profile cannot be used ({' '.join(str(error).split())[:200]}); leave the "
            f"image out, or read it with profile=ignore"
        ) from error
    return np.asarray(picture)


@lru_cache(maxsize=PROFILES_KEPT)
def _transform(icc: bytes, mode: str) -> Any:
    from PIL import ImageCms

    own = ImageCms.ImageCmsProfile(io.BytesIO(icc))
    srgb = ImageCms.createProfile("sRGB")
    return ImageCms.buildTransform(own, srgb, mode, "RGB")
