"""Make a network fast without changing what it computes."""

from __future__ import annotations

import torch
from torch import nn

from roadworthy.models.fold import folded


def prepared(module: nn.Module, size: tuple[int, int]) -> nn.Module:
    """Return ``module`` ready to judge: eval mode, frozen, batch norms folded, channels last.

    ``module`` is changed, so it must be ours. Its weights stay as they are; gradients with respect
    to the input stay available. ``size`` is a frame (height, width) that it accepts.
    """
    module = folded(frozen(module), size)
    return frozen(module).to(memory_format=torch.channels_last)


def frozen(module: nn.Module) -> nn.Module:
    """Return ``module`` in eval mode with parameters that take no gradient."""
    return module.eval().requires_grad_(requires_grad=False)
