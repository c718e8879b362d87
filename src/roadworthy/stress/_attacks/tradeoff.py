"""The weight of a loss against a distance, found by bisection for every image on its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from roadworthy.errors import UsageError


def check_search(name: str) -> Callable[[Mapping[str, Any]], None]:
    """Return the check of what attacks that search for a weight share, for the attack ``name``."""

    def check(arguments: Mapping[str, Any]) -> None:
        for key in ("steps", "search_steps"):
            if arguments[key] < 1:
                raise UsageError(f"{name}: {key} must be at least 1, not {arguments[key]}")
        for key in ("learning_rate", "initial_c"):
            if not 0 < arguments[key] < float("inf"):
                raise UsageError(f"{name}: {key} must be larger than 0, not {arguments[key]}")
        for key in ("shrinkage", "confidence"):
            if not 0 <= arguments.get(key, 0) < float("inf"):
                raise UsageError(f"{name}: {key} must be 0 or larger, not {arguments[key]}")

    return check


class Tradeoff:
    """A weight (N,) that is multiplied by ten until the goal is reached, then bisected.

    The smaller the weight that still reaches the goal, the nearer the adversarial image.
    """

    def __init__(self, x: Tensor, first: float) -> None:
        self.weight = x.new_full(x.shape[:1], first)
        self._low = torch.zeros_like(self.weight)
        self._high = torch.full_like(self.weight, float("inf"))

    def adjust(self, reached: Tensor) -> None:
        """Go on from the weights of which ``reached`` (N,) says whether they were enough."""
        self._high = torch.where(reached, torch.minimum(self._high, self.weight), self._high)
        self._low = torch.where(reached, self._low, torch.maximum(self._low, self.weight))
        middle = (self._low + self._high) / 2.0
        self.weight = torch.where(self._high.isinf(), self.weight * 10.0, middle)
