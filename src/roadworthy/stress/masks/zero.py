"""Removed pixels are black."""

from __future__ import annotations

import torch
from torch import Tensor

from roadworthy.stress.masks.base import mask


@mask()
def zero(x: Tensor) -> Tensor:
    """Cover pixels with black: 0 before the model normalises.

    ``x`` is a float batch (N, C, H, W) in [0, 1].
    """
    return torch.zeros_like(x)
