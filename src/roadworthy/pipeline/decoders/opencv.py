"""OpenCV's imdecode, for the containers where it and Pillow mean the same."""

from __future__ import annotations

import numpy as np

from roadworthy.pipeline.decoders._jpeg import plain_jpeg
from roadworthy.pipeline.native import opencv as cv2
from roadworthy.pipeline.stages import decoder
from roadworthy.types import Image

_GREY, _COLOUR, _GREY_ALPHA, _COLOUR_ALPHA = 0, 2, 4, 6


def _is_ours(data: bytes) -> bool:
    if data.startswith(b"\x89PNG"):
        return data[25] in (_GREY, _COLOUR, _GREY_ALPHA, _COLOUR_ALPHA)
    return plain_jpeg(data)


@decoder(reads=_is_ours)
def opencv(data: bytes, variant: str) -> Image:
    """Decode to uint8 RGB (H, W, 3) with OpenCV, orientation ignored and alpha dropped.

    OpenCV itself reads grey and YCbCr JPEGs, and grey and RGB PNGs of any depth. Everything else
    (CMYK JPEGs, where its formula differs; palette PNGs, GIF, WebP, BMP, TIFF, PPM) is left to the
    ``pillow`` decoder, so that the two differ in their JPEG and PNG codecs and in nothing else.
    """
    del variant
    cv = cv2()
    flags = cv.IMREAD_COLOR | cv.IMREAD_IGNORE_ORIENTATION
    pixels = cv.imdecode(np.frombuffer(data, np.uint8), flags)
    if pixels is None:
        raise ValueError("imdecode returned nothing")
    rgb: Image = cv.cvtColor(pixels, cv.COLOR_BGR2RGB, dst=pixels)
    return rgb
