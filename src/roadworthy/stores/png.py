"""Lossless PNG files."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from roadworthy.errors import SampleError
from roadworthy.stores.base import Store, image_format
from roadworthy.types import Image

_COMPRESSION = [cv2.IMWRITE_PNG_COMPRESSION, 1]


@image_format()
def png() -> Store:
    """Keep each frame as an 8-bit RGB PNG; nothing is lost."""
    return Store(suffix=".png", lossless=True, encode=_encode, decode=decode)


def _encode(frames: Sequence[Image], _noise: bool) -> bytes:
    (image,) = frames
    done, data = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), _COMPRESSION)
    if not done:
        raise SampleError(f"cannot be written as PNG at {image.shape[1]}x{image.shape[0]} pixels")
    return bytes(data)


def decode(data: bytes) -> list[Image]:
    """Return the one picture in a PNG or JPEG file, uint8 (H, W, 3); raises SampleError if none."""
    if not data:
        raise SampleError("is empty")
    found = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if found is None:
        raise SampleError("cannot be read as a picture")
    return [np.asarray(cv2.cvtColor(found, cv2.COLOR_BGR2RGB), np.uint8)]
