"""The perturbation budget: a norm ball around each sample, intersected with the box [0, 1]."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from roadworthy.stress.draws import BatchDraws

Norm = Literal["Linf", "L2"]


@dataclass(frozen=True)
class Ball:
    """All inputs within ``eps`` of a batch in ``norm``; the only place where norms appear.

    ``eps`` is one radius per sample, (N,), in units of [0, 1]; batches are (N, C, H, W).
    """

    norm: Norm
    eps: Tensor

    def _radius(self, x: Tensor) -> Tensor:
        return self.eps.to(x).view(-1, *([1] * (x.ndim - 1)))

    def size(self, difference: Tensor) -> Tensor:
        """Return the norm of each sample's difference, (N,)."""
        flat = difference.flatten(1)
        return flat.abs().amax(1) if self.norm == "Linf" else flat.norm(dim=1)

    def project(self, x: Tensor, z: Tensor) -> Tensor:
        """Return the points of ball and box around ``x`` that belong to ``z``.

        The projection onto the ball comes first, then clipping to the box. Clipping moves every
        coordinate towards ``x``, which lies in the box, so the result is inside both.
        """
        radius = self._radius(x)
        if self.norm == "Linf":
            inside = torch.minimum(torch.maximum(z, x - radius), x + radius)
        else:
            difference = z - x
            length = self._expanded(self.size(difference), x).clamp_min(1e-12)
            inside = x + difference * (radius / length).clamp_max(1.0)
        return inside.clamp(0.0, 1.0)

    def steepest(self, gradient: Tensor) -> Tensor:
        """Return the direction of unit norm along which a linear function grows fastest."""
        if self.norm == "Linf":
            return gradient.sign()
        length = self._expanded(self.size(gradient), gradient)
        return torch.where(length > 0, gradient / length.clamp_min(1e-30), 0.0)

    def random_start(self, x: Tensor, rng: BatchDraws) -> Tensor:
        """Return points drawn uniformly from the ball, then clipped to the box."""
        shape = tuple(x.shape[1:])
        if self.norm == "Linf":
            noise = torch.from_numpy(rng.uniform(-1.0, 1.0, shape)).to(x)
            return self.project(x, x + self._radius(x) * noise)
        direction = torch.from_numpy(rng.normal(shape)).to(x)
        direction = direction / self._expanded(direction.flatten(1).norm(dim=1), x)
        dimensions = direction[0].numel()
        volume = torch.from_numpy(rng.uniform(0.0, 1.0, ())).to(x)
        length = self._expanded(volume ** (1.0 / dimensions), x)
        return self.project(x, x + self._radius(x) * length * direction)

    @staticmethod
    def _expanded(values: Tensor, x: Tensor) -> Tensor:
        return values.view(-1, *([1] * (x.ndim - 1)))
