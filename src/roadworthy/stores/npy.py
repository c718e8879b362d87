"""NumPy arrays, as CIFAR-10-C and CIFAR-10-P are published."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np

from roadworthy.errors import SampleError
from roadworthy.stores.base import Store, image_format
from roadworthy.types import Image


@image_format()
def npy() -> Store:
    """Keep frames as uint8 arrays, (N, H, W, 3), a file for many; nothing is lost.

    Hendrycks & Dietterich, ICLR 2019.
    """
    return Store(suffix=".npy", lossless=True, whole=True, encode=_encode, decode=_decode)


def _encode(frames: Sequence[Image], _noise: bool) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.stack(frames), allow_pickle=False)
    return buffer.getvalue()


def _decode(data: bytes) -> list[Image]:
    try:
        found = np.load(io.BytesIO(data), allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise SampleError(f"cannot be read as a NumPy array: {error}") from None
    if not isinstance(found, np.ndarray) or found.dtype != np.uint8 or found.ndim != 4:
        raise SampleError("holds no uint8 images (N, H, W, 3)")
    return list(found)
