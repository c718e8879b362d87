"""OpenCV's imdecode, for the containers where it and Pillow mean the same."""

from __future__ import annotations

import numpy as np

from roadworthy.pipeline.native import opencv as cv2
from roadworthy.pipeline.stages import DECODERS, decoder
from roadworthy.types import Image

_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_GREY, _COLOUR, _GREY_ALPHA, _COLOUR_ALPHA = 0, 2, 4, 6


@decoder
def opencv(data: bytes) -> Image:
    """Decode to uint8 RGB (H, W, 3) with OpenCV, orientation ignored and alpha dropped.

    OpenCV itself reads grey and YCbCr JPEGs, and grey and RGB PNGs of any depth. Everything else
    (CMYK JPEGs, where its formula differs; palette PNGs, GIF, WebP, BMP, TIFF, PPM) is left to the
    ``pillow`` decoder, so that the two differ in their JPEG and PNG codecs and in nothing else.
    """
    if not _is_ours(data):
        image: Image = DECODERS.get("pillow").function(data)
        return image
    cv = cv2()
    flags = cv.IMREAD_COLOR | cv.IMREAD_IGNORE_ORIENTATION
    pixels = cv.imdecode(np.frombuffer(data, np.uint8), flags)
    if pixels is None:
        raise ValueError("imdecode returned nothing")
    rgb: Image = cv.cvtColor(pixels, cv.COLOR_BGR2RGB, dst=pixels)
    return rgb


def _is_ours(data: bytes) -> bool:
    if data.startswith(b"\x89PNG"):
        return data[25] in (_GREY, _COLOUR, _GREY_ALPHA, _COLOUR_ALPHA)
    return data.startswith(b"\xff\xd8") and _components(data) in (1, 3)


def _components(data: bytes) -> int:
    """Read the number of colour components; the bytes have passed the integrity check."""
    position = 2
    while position + 10 <= len(data):
        position = data.index(b"\xff", position)
        marker = data[position + 1]
        if marker in _FRAMES:
            return data[position + 9]
        alone = marker in (0x00, 0x01, 0xFF) or 0xD0 <= marker < 0xD9
        length = 0 if alone else int.from_bytes(data[position + 2 : position + 4], "big")
        position += (1 if marker == 0xFF else 2) + length
    return 0
