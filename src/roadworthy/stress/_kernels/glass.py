"""Pixels copied from random neighbours, one after the other, in one go."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from roadworthy.stress.draws import Draws

Bytes = NDArray[np.uint8]


def displaced(image: Bytes, reach: int, rng: Draws) -> Bytes:
    """Return ``image`` after each pixel, from the last to the first, took the value of a neighbour.

    ``image`` is uint8 (H, W, 3) with sides of more than twice ``reach``. Rows H - reach down to
    reach + 1 and columns W - reach down to reach + 1 are written, in that order; two whole numbers
    from -reach to reach - 1, column before row, say where the value comes from. Values already
    overwritten are copied on, so that the result is exactly that of the loop.
    """
    height, width = image.shape[:2]
    source = _sources(height, width, reach, rng)
    packed = np.zeros((height * width, 4), np.uint8)
    packed[:, :3] = image.reshape(-1, 3)
    moved = packed.view(np.uint32).ravel().take(source)
    return np.ascontiguousarray(moved.view(np.uint8).reshape(height, width, 4)[:, :, :3])


def _sources(height: int, width: int, reach: int, rng: Draws) -> NDArray[np.int32]:
    """Return for each pixel the one whose old value it gets in the end."""
    count = height * width
    rows, columns = height - 2 * reach, width - 2 * reach
    pairs = rng.integers(-reach, reach, (rows * columns, 2))
    offsets = (pairs[:, 1] * width + pairs[:, 0]).astype(np.int32)
    here = np.arange(count, dtype=np.int32)
    # Numbers from ``count`` on stand for old values, those below for what a pixel holds in the end.
    chain = here + np.int32(count)
    written = (slice(reach + 1, height - reach + 1), slice(reach + 1, width - reach + 1))
    towards = offsets[::-1].reshape(rows, columns)
    neighbour = here.reshape(height, width)[written] + towards
    # A neighbour further on was written before, so its pixel is followed to where it leads.
    chain.reshape(height, width)[written] = neighbour + np.where(towards > 0, 0, count)
    waiting = np.flatnonzero(chain < count)
    while len(waiting):
        ahead = chain[chain[waiting]]
        chain[waiting] = ahead
        waiting = waiting[ahead < count]
    return chain - np.int32(count)
