"""The perturbation budget: a norm ball around each sample, intersected with the box [0, 1]."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from roadworthy.stress._norms import GEOMETRIES, Geometry
from roadworthy.stress._norms.base import expanded
from roadworthy.stress.draws import BatchDraws
from roadworthy.stress.norm_names import Norm as Norm


@dataclass(frozen=True)
class Ball:
    """All inputs within ``eps`` of a batch in ``norm``; attacks leave what norms differ in to it.

    ``eps`` is one radius per sample, (N,): in units of [0, 1], under L0 a number of elements.
    Batches are (N, C, H, W).
    """

    norm: Norm
    eps: Tensor

    @property
    def geometry(self) -> Geometry:
        """The norm itself."""
        return GEOMETRIES[self.norm]

    def at(self, rows: Tensor) -> Ball:
        """Return the ball of the samples ``rows``, indices or a mask."""
        return Ball(self.norm, self.eps[rows])

    def size(self, difference: Tensor) -> Tensor:
        """Return the norm of each sample's difference, (N,)."""
        return self.geometry.size(difference)

    def project(self, x: Tensor, z: Tensor) -> Tensor:
        """Return the points of ball and box around ``x`` that belong to ``z``."""
        return self.geometry.project(x, z, self._radius(x))

    def projection(self, x: Tensor) -> Callable[[Tensor], Tensor]:
        """Return `project` around ``x`` as a function of ``z``, for the many steps of an attack."""
        return self.geometry.projection(x, self._radius(x))

    def steepest(self, gradient: Tensor, at: Tensor | None = None) -> Tensor:
        """Return the direction of unit norm along which a linear function grows fastest.

        ``at`` is where the step begins, (N, C, H, W) in the box: sparse norms leave elements alone
        that the box does not let move.
        """
        return self.geometry.steepest(gradient, at)

    def random_start(self, x: Tensor, rng: BatchDraws) -> Tensor:
        """Return points drawn from the ball, then brought into the box."""
        return self.geometry.random(x, self._radius(x), rng)

    def _radius(self, x: Tensor) -> Tensor:
        return expanded(self.eps.to(x), x)
