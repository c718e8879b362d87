"""What a norm has to know; attacks speak to it through `Ball` and never ask which one it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from torch import Tensor

from roadworthy.stress.draws import BatchDraws, Draws, Singles
from roadworthy.stress.norm_names import Norm as Norm


class Geometry(Protocol):
    """One norm on batches (N, C, H, W) in the box [0, 1]; ``radius`` is (N, 1, 1, 1)."""

    @property
    def name(self) -> Norm:
        """The norm's name."""

    def size(self, difference: Tensor) -> Tensor:
        """Return the norm of each sample's difference, (N,)."""

    def dual(self, gradient: Tensor) -> Tensor:
        """Return the dual norm of each sample's gradient, (N,): what a step of unit norm may gain."""

    def project(self, x: Tensor, z: Tensor, radius: Tensor) -> Tensor:
        """Return points in both the ball around ``x`` and the box that belong to ``z``."""

    def projection(self, x: Tensor, radius: Tensor) -> Callable[[Tensor], Tensor]:
        """Return `project` around ``x`` as a function of ``z`` alone, for many of these."""

    def steepest(self, gradient: Tensor, at: Tensor | None) -> Tensor:
        """Return the direction of unit norm along which a linear function grows fastest.

        ``at`` is where the step begins, in the box, or None where the box is of no concern: some
        norms leave elements alone that it does not let move.
        """

    def random(self, x: Tensor, radius: Tensor, rng: BatchDraws) -> Tensor:
        """Return points drawn from the ball around ``x``, then brought into the box."""

    def inside(self, draws: Draws, count: int, size: int) -> Singles:
        """Return ``count`` points drawn uniformly from the unit ball of ``size`` dimensions."""

    def onto_plane(self, x: Tensor, normal: Tensor, gap: Tensor) -> Tensor:
        """Return the smallest steps d, of the shape of ``x``, with <normal, d> = gap inside the box.

        ``gap`` is (N,), of either sign; ``x + d`` stays in [0, 1]. Where the box does not reach the
        plane, d goes as far as the box lets it.
        """


def expanded(values: Tensor, like: Tensor) -> Tensor:
    """Return ``values`` (N,) with as many dimensions as ``like``, to be multiplied with it."""
    return values.view(-1, *([1] * (like.ndim - 1)))
