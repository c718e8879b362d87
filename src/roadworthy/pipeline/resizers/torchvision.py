"""Torchvision's resize of uint8 tensors, which works in fixed point where torch's floats do not."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

import numpy as np

from roadworthy.pipeline.native import as_tensor
from roadworthy.pipeline.stages import resizer
from roadworthy.types import Image

_MODES = ("bilinear", "bicubic")
_FILTERS = [f"{mode}{aa}" for mode in _MODES for aa in ("", "-antialias")]


@resizer(*_FILTERS, needs="torchvision", extra="torch")
def torchvision(image: Image, size: tuple[int, int], kernel: str) -> Image:
    """Resize uint8 (H, W, 3) to ``size`` (H, W) as ``torchvision.transforms.v2`` does a uint8 tensor.

    From version 0.17 on its default is ``-antialias``.
    """
    mode, _, antialias = kernel.partition("-")
    chosen = {"interpolation": _modes()[mode], "antialias": bool(antialias)}
    result = _functional().resize(as_tensor(image).permute(2, 0, 1), list(size), **chosen)
    return np.ascontiguousarray(result.permute(1, 2, 0).numpy())


@cache
def _functional() -> Any:
    return import_module("torchvision.transforms.v2.functional")


@cache
def _modes() -> dict[str, Any]:
    return {mode: _functional().InterpolationMode(mode) for mode in _MODES}
