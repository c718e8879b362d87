"""The number of changed elements."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from roadworthy.errors import UsageError
from roadworthy.stress._norms.base import Norm, expanded
from roadworthy.stress._norms.order import largest, spread
from roadworthy.stress.draws import BatchDraws, Draws, Singles


@dataclass(frozen=True)
class L0:
    """The number of elements that differ; a pixel has three."""

    name: Norm = "L0"

    def size(self, difference: Tensor) -> Tensor:
        """Return the number of elements of each sample that are not 0, (N,)."""
        return (difference != 0).flatten(1).sum(1).to(difference.dtype)

    def dual(self, gradient: Tensor) -> Tensor:
        """Return the largest absolute element, (N,): one element changes by 1 at most."""
        return gradient.flatten(1).abs().amax(1)

    def project(self, x: Tensor, z: Tensor, radius: Tensor) -> Tensor:
        """Keep the changes, clipped to the box, without which ``z`` would be farthest away.

        Croce & Hein, ICCV 2019: keeping change c of u brings the square distance from u^2 down to
        (u - c)^2, which is a gain of c (2u - c).
        """
        clipped = z.clamp(0.0, 1.0)
        change = clipped - x
        gain = (change * (2 * (z - x) - change)).flatten(1)
        return torch.where(spread(largest(gain, radius.flatten()), x), clipped, x)

    def projection(self, x: Tensor, radius: Tensor) -> Callable[[Tensor], Tensor]:
        """Return `project` around ``x``."""
        return lambda z: self.project(x, z, radius)

    def steepest(self, gradient: Tensor, at: Tensor | None) -> Tensor:
        """Return the gradient with its largest element 1; no direction where there is no gradient.

        A large step followed by `project` leaves the changes that pay most, each up to the box.
        """
        del at  # the projection keeps no element that cannot move
        most = expanded(self.dual(gradient), gradient)
        return torch.where(most > 0, gradient / most.clamp_min(1e-30), 0.0)

    def random(self, x: Tensor, radius: Tensor, rng: BatchDraws) -> Tensor:
        """Return as many random elements as the radius says, uniform in the box."""
        values = torch.from_numpy(rng.uniform(0.0, 1.0, (2, *x.shape[1:]))).to(x)
        order, noise = values.unbind(1)
        return torch.where(spread(largest(order.flatten(1), radius.flatten()), x), noise, x)

    def inside(self, draws: Draws, count: int, size: int) -> Singles:
        """Raise UsageError: so many elements of any size have no volume to be uniform in."""
        del draws, count, size
        raise UsageError("L0 has no ball to draw points from uniformly; use another norm")

    def onto_plane(self, x: Tensor, normal: Tensor, gap: Tensor) -> Tensor:
        """Raise UsageError: a count of elements does not say how far each should go."""
        del x, normal, gap
        raise UsageError(
            "L0 has no projection onto a plane; use an attack that does without, such as sigma_zero"
        )
