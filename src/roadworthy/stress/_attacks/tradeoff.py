"""The weight of a loss against a distance, found by bisection for every image on its own."""

from __future__ import annotations

import torch
from torch import Tensor


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
