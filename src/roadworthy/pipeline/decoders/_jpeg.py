"""Which files a decoder of JPEGs takes itself."""

from __future__ import annotations

import numpy as np

from roadworthy.types import Image

_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def plain_jpeg(data: bytes) -> bool:
    """Whether ``data``, which passed the integrity check, is a JPEG of grey or of three colours.

    CMYK is another matter: libraries differ in its formula more than in their codec, so that it
    has a stage of its own and decoders leave it to Pillow.
    """
    return data.startswith(b"\xff\xd8") and components(data) in (1, 3)


def components(data: bytes) -> int:
    """Return the number of colour components of a JPEG, 0 where there is no frame header."""
    position = _frame(data)
    return data[position + 9] if position else 0


def size(data: bytes) -> tuple[int, int]:
    """Return height and width of a JPEG that has a frame header."""
    at = _frame(data)
    return int.from_bytes(data[at + 5 : at + 7], "big"), int.from_bytes(
        data[at + 7 : at + 9], "big"
    )


def _frame(data: bytes) -> int:
    position = 2
    while position + 10 <= len(data):
        position = data.index(b"\xff", position)
        marker = data[position + 1]
        if marker in _FRAMES:
            return position
        alone = marker in (0x00, 0x01, 0xFF) or 0xD0 <= marker < 0xD9
        length = 0 if alone else int.from_bytes(data[position + 2 : position + 4], "big")
        position += (1 if marker == 0xFF else 2) + length
    return 0


def three_channels(pixels: Image) -> Image:
    """Return grey pixels, uint8 (H, W) or (H, W, 1), as (H, W, 3); colours as they are."""
    if pixels.ndim == 2:
        pixels = pixels[:, :, None]
    return np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels
