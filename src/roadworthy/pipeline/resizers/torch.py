"""Torch's interpolate, in float32, with and without antialiasing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from roadworthy.pipeline.native import as_tensor, opencv
from roadworthy.pipeline.stages import resizer
from roadworthy.types import Image

if TYPE_CHECKING:
    import torch as pytorch

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
def torch(image: Image, size: tuple[int, int], kernel: str) -> Image:
    """Resize uint8 (H, W, 3) to ``size`` (H, W) as a float tensor, then round and clamp to uint8.

    Half-pixel centres (align_corners=False). ``area`` is adaptive average pooling. Needs torch.
    """
    import torch as pytorch

    with pytorch.inference_mode():
        planes = as_tensor(image).permute(2, 0, 1)[None].float()
        result = interpolate(planes, size, kernel).round_().clamp_(0, 255).to(pytorch.uint8)
    planes_of_bytes = list(result[0].numpy())
    merged: Image = opencv().merge(planes_of_bytes)  # many times as fast as a transposed copy
    return merged


def interpolate(planes: pytorch.Tensor, size: tuple[int, int], kernel: str) -> pytorch.Tensor:
    """Resize float planes (N, C, H, W) with one of the named filters, unrounded."""
    from torch.nn.functional import interpolate as torch_interpolate

    mode, antialias = _MODES[kernel]
    corners = False if mode in _WITH_CORNERS else None
    return torch_interpolate(planes, size, mode=mode, align_corners=corners, antialias=antialias)
