"""Which steps worked for each image: the diagonal of a covariance and the path of accepted steps."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from roadworthy.models.threads import all_threads

MOVED = 20
"""A step moves one coordinate in so many."""


@dataclass(frozen=True)
class Learned:
    """The variance of every coordinate and the path of steps that worked, (n, C, height, width).

    ``until`` (n, coordinates) is the sum of the variances up to each coordinate.
    """

    variance: Tensor
    path: Tensor
    until: Tensor

    @staticmethod
    def begun(path: Tensor) -> Learned:
        """Return variances of 1 and the path ``path`` of no steps, zeros."""
        variance = torch.ones_like(path)
        return Learned(variance, path, variance.flatten(1).cumsum(1))

    @property
    def moved(self) -> int:
        """How many coordinates a step draws."""
        return max(1, self.path.shape[1:].numel() // MOVED)

    def at(self, kept: Tensor) -> Learned:
        """Return what the images ``kept`` (a mask) learned."""
        return Learned(self.variance[kept], self.path[kept], self.until[kept])

    def drawn(self, noise: Tensor) -> Tensor:
        """Return the steps that ``noise`` (n, 2, moved) makes of some coordinates.

        Coordinates are drawn as their variances say; one that is drawn twice moves twice.
        """
        variance = self.variance.flatten(1)
        share, length = noise.unbind(1)
        sought = torch.special.ndtr(share) * self.until[:, -1:]
        with all_threads():
            chosen = torch.searchsorted(self.until, sought, right=True)
        chosen = chosen.clamp_max_(variance.shape[1] - 1)
        length = length * variance.gather(1, chosen).sqrt()
        return torch.zeros_like(variance).scatter_add_(1, chosen, length).view(self.path.shape)

    def learn(self, drawn: Tensor, accepted: Tensor, *, c: float, decay: float) -> None:
        """Note steps ``drawn`` that were accepted."""
        rows = accepted.nonzero().squeeze(1)
        if not len(rows):
            return
        step = drawn[rows].mul_((1 - decay**2) ** 0.5)
        path = self.path[rows].mul_(decay).add_(step)
        variance = self.variance[rows].mul_(1 - c).add_(path.square().mul_(c))
        self.path[rows], self.variance[rows] = path, variance
        self.until[rows] = variance.flatten(1).cumsum(1)
