"""Steepest steps that are halved where they no longer pay."""

from __future__ import annotations

import torch
from torch import Tensor

from roadworthy.stress._norms.base import expanded
from roadworthy.stress.watch import Watch


class Halving:
    """Steps of ``size`` (N,), halved when the loss did not rise for ``patience`` of them, if above 0.

    No step is shorter than ``smallest`` of the first. ``momentum`` is the share of the estimates
    before in the gradient that is followed.
    """

    def __init__(
        self, like: Tensor, size: Tensor, *, smallest: float, patience: int, momentum: float
    ) -> None:
        self.size, self.least = size.to(like), smallest * size.to(like)
        self.patience, self.momentum = patience, momentum
        self._mean = torch.zeros_like(like) if momentum else None
        self._best = torch.full_like(self.size, -torch.inf)
        self._waited = torch.zeros_like(self.size, dtype=torch.long)

    def step(self, watch: Watch, z: Tensor, gradient: Tensor) -> Tensor:
        """Return the steepest step along the gradient, or along its running mean."""
        assert watch.ball is not None
        if self._mean is not None:
            gradient = self._mean = self._mean * self.momentum + gradient * (1 - self.momentum)
        return expanded(self.size, z) * watch.ball.steepest(gradient, at=z)

    def saw(self, value: Tensor) -> None:
        """Count the steps without a rise; halve those of images whose patience is at its end."""
        rose = value > self._best
        self._best = torch.where(rose, value, self._best)
        self._waited = torch.where(rose, 0, self._waited + 1)
        halve = self._waited == self.patience if self.patience else torch.zeros_like(rose)
        self.size = torch.where(halve, torch.maximum(self.size / 2, self.least), self.size)
        self._waited = torch.where(halve, 0, self._waited)

    def keep(self, going: Tensor) -> None:
        """Go on with the images of the mask ``going``."""
        self.size, self.least = self.size[going], self.least[going]
        self._best, self._waited = self._best[going], self._waited[going]
        self._mean = None if self._mean is None else self._mean[going]
