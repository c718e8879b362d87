"""Products that a network computes outside of the layers that can be quantised."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from roadworthy.models.classifier import TorchClassifier
from roadworthy.models.quantise.layers import layers

PRODUCTS = ("conv1d", "conv2d", "conv3d", "linear")
"""Functions that layers consist of, and that a forward pass may call by itself."""


@torch.no_grad()
def computed_aside(model: TorchClassifier, x: Tensor) -> Counter[str]:
    """Return how often ``model`` calls functions that are products with weights, not through a layer."""
    calls = _Calls()
    with ExitStack() as stack:
        for part in layers(model.module).values():
            stack.callback(part.register_forward_pre_hook(calls.enter).remove)
            stack.callback(part.register_forward_hook(calls.leave).remove)
        stack.enter_context(calls)
        model.logits(x)
    return calls.aside


class _Calls(TorchFunctionMode):
    """Counts products while no layer is at work."""

    def __init__(self) -> None:
        super().__init__()
        self.inside = 0
        self.aside: Counter[str] = Counter()

    def enter(self, _part: nn.Module, _inputs: Any) -> None:
        """Note that a layer begins."""
        self.inside += 1

    def leave(self, _part: nn.Module, _inputs: Any, _output: Any) -> None:
        """Note that it ends."""
        self.inside -= 1

    def __torch_function__(
        self,
        func: Any,
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Call the function, counted."""
        name = getattr(func, "__name__", "")
        if name in PRODUCTS and not self.inside:
            self.aside[name] += 1
        return func(*args, **(kwargs or {}))
