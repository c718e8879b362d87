"""The Euclidean norm."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from roadworthy.stress._norms.base import Norm, expanded
from roadworthy.stress._norms.plane import plane, water_level
from roadworthy.stress.draws import BatchDraws, Draws, Singles


@dataclass(frozen=True)
class L2:
    """The Euclidean length of the change, in units of the [0, 1] range."""

    name: Norm = "L2"

    def size(self, difference: Tensor) -> Tensor:
        """Return the Euclidean length of each sample, (N,)."""
        length: Tensor = difference.flatten(1).norm(dim=1)
        return length

    def dual(self, gradient: Tensor) -> Tensor:
        """Return the Euclidean length, which is its own dual, (N,)."""
        return self.size(gradient)

    def project(self, x: Tensor, z: Tensor, radius: Tensor) -> Tensor:
        """Shorten the difference to the radius, then clip to the box.

        Clipping moves every element towards ``x``, which lies in the box: the result is in both.
        """
        difference = z - x
        length = expanded(self.size(difference), x).clamp_min(1e-12)
        return (x + difference * (radius / length).clamp_max(1.0)).clamp_(0.0, 1.0)

    def projection(self, x: Tensor, radius: Tensor) -> Callable[[Tensor], Tensor]:
        """Return `project` around ``x``."""
        return lambda z: self.project(x, z, radius)

    def steepest(self, gradient: Tensor, at: Tensor | None) -> Tensor:
        """Return the gradient at unit length; no direction where there is no gradient."""
        del at
        length = expanded(self.size(gradient), gradient)
        return torch.where(length > 0, gradient / length.clamp_min(1e-30), 0.0)

    def random(self, x: Tensor, radius: Tensor, rng: BatchDraws) -> Tensor:
        """Return uniform points of the ball, clipped to the box."""
        direction = torch.from_numpy(rng.normal(tuple(x.shape[1:]))).to(x)
        direction = direction / expanded(direction.flatten(1).norm(dim=1), x)
        volume = torch.from_numpy(rng.uniform(0.0, 1.0, ())).to(x)
        length = expanded(volume ** (1.0 / direction[0].numel()), x)
        return self.project(x, x + radius * length * direction, radius)

    def inside(self, draws: Draws, count: int, size: int) -> Singles:
        """Return points drawn uniformly from the ball: any direction, the volume within uniform."""
        points = draws.normal_field((count, size))
        length = draws.uniform(0.0, 1.0, (count,)) ** (1.0 / size)
        points *= (length / np.linalg.norm(points, axis=1)).astype(np.float32)[:, None]
        return points

    def onto_plane(self, x: Tensor, normal: Tensor, gap: Tensor) -> Tensor:
        """Move along the normal, elements that reach the box no further."""
        there = plane(x, normal, gap)
        bound = there.room / there.weight.clamp_min(torch.finfo(x.dtype).tiny)
        level = water_level(there.weight.square(), bound, there.need)
        return torch.minimum(there.room, level * there.weight).mul_(there.signs)
