"""The maximum norm."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from roadworthy.stress._norms.base import Norm
from roadworthy.stress._norms.plane import plane, water_level
from roadworthy.stress.draws import BatchDraws, Draws, Singles


@dataclass(frozen=True)
class Linf:
    """The largest change of any element, in units of the [0, 1] range."""

    name: Norm = "Linf"

    def size(self, difference: Tensor) -> Tensor:
        """Return the largest absolute element of each sample, (N,)."""
        return difference.flatten(1).abs().amax(1)

    def dual(self, gradient: Tensor) -> Tensor:
        """Return the sum of absolute elements, (N,)."""
        return gradient.flatten(1).abs().sum(1)

    def project(self, x: Tensor, z: Tensor, radius: Tensor) -> Tensor:
        """Clip every element to its interval, then to the box."""
        return self.projection(x, radius)(z)

    def projection(self, x: Tensor, radius: Tensor) -> Callable[[Tensor], Tensor]:
        """Return the same, with the ends of the intervals in the box worked out once."""
        low, high = (x - radius).clamp_(0.0, 1.0), (x + radius).clamp_(0.0, 1.0)
        return lambda z: z.clamp(low, high)

    def steepest(self, gradient: Tensor, at: Tensor | None) -> Tensor:
        """Return the signs: every element moves alike."""
        del at  # an element at the box stays there when clipped, and costs the others nothing
        return gradient.sign()

    def random(self, x: Tensor, radius: Tensor, rng: BatchDraws) -> Tensor:
        """Return uniform points of the cube."""
        noise = torch.from_numpy(rng.uniform(-1.0, 1.0, tuple(x.shape[1:]))).to(x)
        return self.project(x, x + radius * noise, radius)

    def inside(self, draws: Draws, count: int, size: int) -> Singles:
        """Return points drawn uniformly from the cube."""
        return draws.signed((count, size))

    def onto_plane(self, x: Tensor, normal: Tensor, gap: Tensor) -> Tensor:
        """Move every element by the same amount, or as far as the box lets it."""
        there = plane(x, normal, gap)
        level = water_level(there.weight, there.room, there.need)
        return torch.minimum(there.room, level).mul_(there.signs)
