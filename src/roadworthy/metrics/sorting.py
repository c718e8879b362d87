"""Stable orders of many numbers, by radix: NumPy does that for 16 bits, so in steps of 16 bits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from roadworthy.metrics.interval import Floats

Order = NDArray[np.int64]


def grouped(index: NDArray[np.int64]) -> Order:
    """Return the stable order of whole numbers from 0 to 2^32 - 1."""
    return _by_bits(index.astype(np.uint32), int(index.max(initial=0)))


def falling(values: Floats) -> Order:
    """Return the stable order of finite numbers, the largest first."""
    single = values.astype(np.float32)
    if not (single >= 0).all() or not (single == values).all():
        order: Order = np.argsort(-values, kind="stable")
        return order
    # the bits of floats that are not negative are in the order of the floats themselves
    bits = (single + np.float32(0)).view(np.uint32)  # -0 is 0
    return _by_bits(np.invert(bits), 2**32 - 1)


def _by_bits(keys: NDArray[np.uint32], largest: int) -> Order:
    order: Order = np.argsort(keys.astype(np.uint16), kind="stable")  # the lower 16 bits
    if largest >= 2**16:
        high = (keys >> 16).astype(np.uint16)
        order = order[np.argsort(high[order], kind="stable")]
    return order
