"""Make a network fast without changing what it computes."""

from __future__ import annotations

import torch
from torch import nn

from roadworthy.errors import UsageError
from roadworthy.models.fold import folded
from roadworthy.models.fuse import fused

DRAWING = ("Dropout", "DropPath", "DropBlock", "StochasticDepth", "RReLU")


def prepared(module: nn.Module, size: tuple[int, int], *, fuse: bool = True) -> nn.Module:
    """Return ``module`` ready to judge: eval mode, frozen, batch norms folded, channels last.

    ``module`` is changed, so it must be ours. Its weights stay as they are; gradients with respect
    to the input stay available. ``size`` is a frame (height, width) that it accepts. ``fuse`` lets
    convolutions compute the sums and activations after them; a network that is to leave eval mode
    in parts must not be fused, since that fixes what its forward pass does.
    """
    module = frozen(folded(frozen(module), size)).to(memory_format=torch.channels_last)
    return fused(module, size) if fuse else module


def stochastic(module: nn.Module, name: str) -> nn.Module:
    """Return ``module`` with its dropout on; raises UsageError if it has none.

    Layers that draw are known by their names: dropout of all kinds, drop path or block, stochastic
    depth, randomised ReLU. All others, batch norms among them, stay in eval mode.
    """
    drawing = [part for part in module.modules() if _draws(part)]
    for part in drawing:
        part.training = True
    if not drawing:
        raise UsageError(
            f"{name}: stochastic=true keeps dropout on, but the network has no such layer; what draws "
            "random numbers in a forward of your own, whatever the mode, is on anyway"
        )
    return module


def _draws(part: nn.Module) -> bool:
    names = [kind.__name__ for kind in type(part).__mro__]
    return any(word in name for name in names for word in DRAWING)


def frozen(module: nn.Module) -> nn.Module:
    """Return ``module`` in eval mode with parameters that take no gradient."""
    return module.eval().requires_grad_(requires_grad=False)
