"""Native libraries with one thread: the budget of cores belongs to the engine."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch


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


def as_tensor(image: NDArray[Any]) -> torch.Tensor:
    """Return a uint8 image as a tensor of the same shape on the same memory, which must outlive it.

    ``torch.from_numpy`` warns of images that may not be written to, as decoders return them. Nothing
    may write to this tensor.
    """
    import torch

    pixels = np.ascontiguousarray(image)
    if pixels.flags.writeable or not pixels.size:
        return torch.from_numpy(pixels)
    return torch.from_numpy(np.asarray(_Lent(pixels)))


class _Lent:
    """Memory that NumPy takes for writable, and whose owner it keeps alive."""

    def __init__(self, pixels: NDArray[Any]) -> None:
        self.owner = pixels
        interface = pixels.__array_interface__
        self.__array_interface__ = {**interface, "data": (interface["data"][0], False)}
