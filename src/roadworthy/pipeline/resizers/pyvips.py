"""libvips' resize: kernels that widen with the scale, after a box where it shrinks much."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from roadworthy.pipeline.native import vips
from roadworthy.pipeline.stages import resizer

PixelT = TypeVar("PixelT", np.uint8, np.float32)

_KERNELS = ("nearest", "linear", "cubic", "mitchell", "lanczos2", "lanczos3", "mks2013", "mks2021")
_FORMATS = {"u": "uchar", "f": "float"}


@resizer(*_KERNELS, needs="pyvips", extra="decoders")
def pyvips(image: NDArray[PixelT], size: tuple[int, int], kernel: str) -> NDArray[PixelT]:
    """Resize uint8 (H, W, 3), or one float32 plane (H, W), to ``size`` (H, W).

    ``Image.resize`` with one of libvips' kernels, of which ``lanczos3`` is its default. From four
    times smaller on it averages whole pixels first (its ``gap`` of 2). Enlarging, it interpolates:
    bilinearly for ``linear``, else by Catmull-Rom, or not at all.
    """
    height, width = image.shape[:2]
    bands = image.shape[2] if image.ndim == 3 else 1
    pixels = np.ascontiguousarray(image)
    kind = _FORMATS[image.dtype.kind]
    source = vips().Image.new_from_memory(pixels.data, width, height, bands, kind)
    result: NDArray[PixelT] = source.resize(
        size[1] / width, vscale=size[0] / height, kernel=kernel
    ).numpy()
    return result
