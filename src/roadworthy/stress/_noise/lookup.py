"""Looking up 16-bit indices in a table."""

from __future__ import annotations

from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray


def lookup(table: NDArray[Any], index: NDArray[np.uint16]) -> NDArray[Any]:
    """Return ``table[index]`` for a table of 65,536 entries and two-dimensional indices."""
    if _wide():
        return np.asarray(cv2.LUT(index, table[None]))
    return np.asarray(np.take(table, index))


@cache
def _wide() -> bool:
    """Whether OpenCV takes 16-bit indices, twice as fast as NumPy; versions before 5 do not."""
    index = np.array([[258]], np.uint16)
    try:
        return bool(cv2.LUT(index, np.arange(65536, dtype=np.uint16)[None])[0, 0] == 258)
    except cv2.error:
        return False
