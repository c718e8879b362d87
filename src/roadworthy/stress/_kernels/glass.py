"""Pixels copied from random neighbours, one after the other, in one go."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from roadworthy.stress.draws import Draws

Bytes = NDArray[np.uint8]
Indices = NDArray[np.intp]


def displaced(image: Bytes, reach: int, rng: Draws, *, passes: int = 1) -> Bytes:
    """Return ``image`` after, ``passes`` times, each pixel from the last on took a neighbour's value.

    ``image`` is uint8 (H, W, 3) with sides of more than twice ``reach``. Rows H - reach down to
    reach + 1 and columns W - reach down to reach + 1 are written, in that order; two whole numbers
    from -reach to reach - 1, column before row, say where the value comes from. Values already
    overwritten are copied on, so that the result is exactly that of the loop.
    """
    height, width = image.shape[:2]
    # Four bytes a pixel are one number to copy.
    pixels = cv2.cvtColor(image, cv2.COLOR_RGB2RGBA).view(np.uint32).ravel()
    for _ in range(passes):
        pixels = pixels.take(_sources(height, width, reach, rng), mode="clip")
    return np.asarray(
        cv2.cvtColor(pixels.view(np.uint8).reshape(height, width, 4), cv2.COLOR_RGBA2RGB)
    )


def _sources(height: int, width: int, reach: int, rng: Draws) -> Indices:
    """Return for each pixel the one whose old value it gets in the end."""
    count = height * width
    rows, columns = height - 2 * reach, width - 2 * reach
    pairs = rng.pairs(2 * reach, rows * columns)
    steps = _looked_up(_steps(reach, width, count), pairs)
    # Numbers from ``count`` on stand for old values, those below for what a pixel holds in the end:
    # a neighbour further on was written before, so its pixel is followed to where it leads.
    chain = np.arange(count, 2 * count)
    written = (slice(reach + 1, height - reach + 1), slice(reach + 1, width - reach + 1))
    chain.reshape(height, width)[written] += steps[::-1].reshape(rows, columns)
    waiting = np.flatnonzero(chain < count)
    while len(waiting):
        # All indices are inside; clipping only spares NumPy a check beforehand.
        ahead = chain.take(chain.take(waiting, mode="clip"), mode="clip")
        chain[waiting] = ahead
        waiting = waiting.compress(ahead < count)
    chain -= count
    return chain


def _steps(reach: int, width: int, count: int) -> Indices:
    """Return how far on each pair leads, minus ``count`` if it leads to a pixel already written."""
    offsets = np.arange(-reach, reach)
    steps = offsets[:, None] + width * offsets
    return np.asarray(np.where(steps > 0, steps - count, steps)).ravel()


def _looked_up(table: Indices, numbers: NDArray[np.integer]) -> Indices:
    if numbers.dtype != np.uint8 or table.itemsize != 8:
        return table.take(numbers)
    padded = np.zeros(256, np.intp)
    padded[: len(table)] = table
    # OpenCV copies the entries as they are; it has numbers of 8 bytes only as float64.
    found = cv2.LUT(numbers.reshape(1, -1), padded.view(np.float64))
    return np.asarray(found).view(np.intp).ravel()
