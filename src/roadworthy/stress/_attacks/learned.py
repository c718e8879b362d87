"""Which steps worked for each image: the diagonal of a covariance and the path of accepted steps."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

MOVED = 20
"""A step moves one coordinate in so many."""


@dataclass(frozen=True)
class Learned:
    """The variance of every coordinate and the path of steps that worked, (n, C, height, width)."""

    variance: Tensor
    path: Tensor

    @staticmethod
    def begun(path: Tensor) -> Learned:
        """Return variances of 1 and the path ``path`` of no steps, zeros."""
        return Learned(torch.ones_like(path), path)

    @property
    def moved(self) -> int:
        """How many coordinates a step draws."""
        return max(1, self.path.shape[1:].numel() // MOVED)

    def at(self, kept: Tensor) -> Learned:
        """Return what the images ``kept`` (a mask) learned."""
        return Learned(self.variance[kept], self.path[kept])

    def drawn(self, noise: Tensor) -> Tensor:
        """Return the steps that ``noise`` (n, 2, moved) makes of some coordinates.

        Coordinates are drawn as their variances say; one that is drawn twice moves twice.
        """
        variance = self.variance.flatten(1)
        share, length = noise.unbind(1)
        until = variance.cumsum(1)
        sought = torch.special.ndtr(share) * until[:, -1:]
        chosen = torch.searchsorted(until, sought, right=True).clamp_max(variance.shape[1] - 1)
        length = length * variance.gather(1, chosen).sqrt()
        return torch.zeros_like(variance).scatter_add_(1, chosen, length).view(self.path.shape)

    def learn(self, drawn: Tensor, accepted: Tensor, *, c: float, decay: float) -> None:
        """Note steps ``drawn`` that were accepted."""
        if not accepted.any():
            return
        path = decay * self.path[accepted] + (1 - decay**2) ** 0.5 * drawn[accepted]
        self.path[accepted] = path
        self.variance[accepted] = (1 - c) * self.variance[accepted] + c * path.square()
