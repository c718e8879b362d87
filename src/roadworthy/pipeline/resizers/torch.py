"""Torch's interpolate, in float32, with and without antialiasing."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from roadworthy.pipeline.native import as_tensor, opencv
from roadworthy.pipeline.stages import resizer

if TYPE_CHECKING:
    import torch as pytorch

PixelT = TypeVar("PixelT", np.uint8, np.float32)

_MODES = {
    "nearest": ("nearest", False),
    "nearest-exact": ("nearest-exact", False),
    "bilinear": ("bilinear", False),
    "bicubic": ("bicubic", False),
    "area": ("area", False),
    "bilinear-antialias": ("bilinear", True),
    "bicubic-antialias": ("bicubic", True),
}
_WITH_CORNERS = ("bilinear", "bicubic")


@resizer(*_MODES, needs="torch", extra="torch")
def torch(image: NDArray[PixelT], size: tuple[int, int], kernel: str) -> NDArray[PixelT]:
    """Resize uint8 (H, W, 3), or one float32 plane (H, W), to ``size`` (H, W) as a float tensor.

    Bytes are rounded and clamped at the end. Half-pixel centres (align_corners=False). ``area`` is
    adaptive average pooling. Needs torch.
    """
    import torch as pytorch

    if image.dtype == np.float32:
        plane = pytorch.from_numpy(np.array(image))[None, None]
        floats: NDArray[PixelT] = interpolate(plane, size, kernel)[0, 0].numpy()
        return floats
    with pytorch.inference_mode():
        planes = as_tensor(image).permute(2, 0, 1)[None].float()
        result = interpolate(planes, size, kernel).round_().clamp_(0, 255).to(pytorch.uint8)
    # Many times as fast as a transposed copy.
    merged: NDArray[PixelT] = opencv().merge(list(result[0].numpy()))
    return merged


def interpolate(planes: pytorch.Tensor, size: tuple[int, int], kernel: str) -> pytorch.Tensor:
    """Resize float planes (N, C, H, W) with one of the named filters, unrounded."""
    from torch.nn.functional import interpolate as torch_interpolate

    mode, antialias = _MODES[kernel]
    corners = False if mode in _WITH_CORNERS else None
    return torch_interpolate(planes, size, mode=mode, align_corners=corners, antialias=antialias)
