"""Native libraries with one thread: the budget of cores belongs to the engine."""

from __future__ import annotations

from functools import cache
from typing import Any


@cache
def opencv() -> Any:
    """Import cv2 when first needed and keep it to one thread."""
    import cv2

    cv2.setNumThreads(1)
    return cv2


@cache
def vips() -> Any:
    """Import pyvips when first needed, with one thread and without memory of earlier pictures."""
    import pyvips

    pyvips.concurrency_set(1)
    pyvips.cache_set_max(0)
    pyvips.cache_set_max_mem(0)
    return pyvips
