"""How APGD moves: two ways of choosing the next iterate and of adapting the size of steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from roadworthy.stress._attacks.apgd_ascent import Ascent
from roadworthy.stress._norms.base import expanded
from roadworthy.stress._norms.order import largest, spread
from roadworthy.stress.ball import Ball


class Pace(Protocol):
    """The step of every image, a dataclass of tensors (N,)."""

    def move(self, ascent: Ascent, x: Tensor, ball: Ball, *, first: bool) -> Tensor:
        """Return the next iterates."""

    def adapt(
        self, ascent: Ascent, x: Tensor, ball: Ball, *, window: int, share: float
    ) -> tuple[Pace, Tensor]:
        """Return the pace after a checkpoint, and the mask of those who go back to their best.

        ``window`` is how many iterates there were since the last one.
        """


@dataclass(frozen=True)
class Halving:
    """Steepest steps with momentum, halved where they stop paying (L-infinity and L2).

    ``reduced`` says whether the step was at the last checkpoint, ``best_then`` the best loss there.
    """

    size: Tensor
    reduced: Tensor
    best_then: Tensor

    def move(self, ascent: Ascent, x: Tensor, ball: Ball, *, first: bool) -> Tensor:
        """Go three quarters of a steepest step and one quarter of the move before; both projected."""
        z = ascent.z
        step = expanded(self.size, z) * ball.steepest(ascent.gradient)
        step = ball.project(x, step.add_(z))
        if first:
            return step
        moved = torch.add(z, step.sub_(z), alpha=0.75).add_(z - ascent.before, alpha=0.25)
        return ball.project(x, moved)

    def adapt(
        self, ascent: Ascent, x: Tensor, ball: Ball, *, window: int, share: float
    ) -> tuple[Halving, Tensor]:
        """Halve the steps of images whose loss rose too rarely, or whose best stands still."""
        del x, ball
        still = ~self.reduced & (self.best_then >= ascent.best_loss)
        back = (ascent.rises <= share * window) | still
        return Halving(torch.where(back, self.size / 2, self.size), back, ascent.best_loss), back


@dataclass(frozen=True)
class Sparse:
    """Steps shared by the ``count`` elements of largest gradient, without momentum (L1).

    ``entries`` is how many elements the best iterate had changed at the last checkpoint.
    """

    size: Tensor
    count: Tensor
    entries: Tensor

    def move(self, ascent: Ascent, x: Tensor, ball: Ball, *, first: bool) -> Tensor:
        """Go a step of this length in the sum of absolute values, and project."""
        del first
        gradient = ascent.gradient
        mask = largest(gradient.flatten(1).abs(), self.count)
        signs = gradient.sign() * spread(mask, gradient)
        moving = signs.flatten(1).count_nonzero(1).clamp_min(1)
        return ball.project(x, ascent.z + expanded(self.size / moving, x) * signs)

    def adapt(
        self, ascent: Ascent, x: Tensor, ball: Ball, *, window: int, share: float
    ) -> tuple[Sparse, Tensor]:
        """Begin again with long steps where the best has become sparser; else shorten them."""
        del window, share
        entries, eps = changed(ascent.best, x), ball.eps.to(x)
        back = entries < 0.95 * self.entries
        shorter = torch.maximum(self.size / 1.5, eps / 10)
        return Sparse(torch.where(back, eps, shorter), share_of(entries), entries), back


def changed(z: Tensor, x: Tensor) -> Tensor:
    """Return how many elements of each image differ, (N,)."""
    return (z != x).flatten(1).sum(1)


def share_of(entries: Tensor) -> Tensor:
    """Return how many elements a step moves, the best iterate having changed ``entries``: two thirds."""
    return (-(-2 * entries // 3)).clamp_min(1)
