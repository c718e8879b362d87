"""Removed pixels have random colours."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from roadworthy.stress.draws import BatchDraws
from roadworthy.stress.masks.base import mask


@mask(paper="Sturmfels et al., Distill 2020")
def noise(x: Tensor, *, rng: BatchDraws) -> Tensor:
    """Cover pixels with noise: every channel of each uniform in [0, 1], the same at every asking.

    ``x`` is a float batch (N, C, H, W) in [0, 1]. Sturmfels, Lundberg & Lee, Distill 2020.
    """
    drawn = rng.signed(tuple(x.shape[1:]))
    return torch.from_numpy(np.asarray(drawn)).to(x).add_(1.0).div_(2.0)
