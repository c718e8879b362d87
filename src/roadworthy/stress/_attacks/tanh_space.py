"""Descent in tanh space, where every point is an image in the box."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from roadworthy.models.counted import Counted
from roadworthy.models.gradient import value_and_gradient
from roadworthy.stress._attacks.adam import Adam
from roadworthy.stress._attacks.nearest import Nearest
from roadworthy.stress._norms.base import expanded
from roadworthy.stress.goal import Goal
from roadworthy.stress.losses import margin

INSIDE = 0.999999
"""Images are drawn together by so much, since black and white are at infinity in tanh space."""

CHECKS = 10
"""How often in a descent it is asked whether an image still makes progress."""

PROGRESS = 0.9999
"""What the loss has to fall to, as a share of that at the last check; an image that fails to twice in a
row ends. The first steps of Adam overshoot where the change is small: once would end too many."""


def to_tanh_space(x: Tensor) -> Tensor:
    """Return the points of tanh space that stand for images in [0, 1].

    The area tangent of y is half the logit of (1 + y) / 2. That of torch has other last bits where
    an element stands at the end of a batch; the logit and the exponential have not.
    """
    return torch.logit(0.5 + (x - 0.5) * INSIDE).div_(2.0)


def from_tanh_space(w: Tensor) -> Tensor:
    """Return the images that ``w`` stands for."""
    # (tanh w + 1) / 2, but faster, and not by the sigmoid, whose last bits depend on the place
    return torch.mul(w, -2.0).exp_().add_(1.0).reciprocal_()


def from_tanh_space_with_slope(w: Tensor) -> tuple[Tensor, Tensor]:
    """Return the images that ``w`` stands for, and how fast they change with it."""
    bent = torch.tanh(w)
    return (bent + 1.0) / 2.0, (1.0 - bent * bent) / 2.0


@dataclass(frozen=True)
class Descent:
    """Adam on the squared distance plus c times what the margin lacks to ``confidence``."""

    model: Counted
    goal: Goal
    nearest: Nearest
    steps: int
    learning_rate: float
    confidence: float

    def __call__(self, rows: Tensor, start: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        """Descend with the images ``rows`` (indices) from their points in ``start``.

        ``start`` (N, C, H, W) and ``c`` (N,) are of the whole batch, as is what is returned: for
        which images the goal was reached on the way, and where each ended.
        """
        reached, ended = torch.zeros_like(c, dtype=torch.bool), start.clone()
        w, before = start[rows], torch.full_like(c, float("inf"))
        stood = torch.zeros_like(reached)  # whether the loss did not fall up to the last check
        adam = Adam(w, learning_rate=self.learning_rate)
        for step in range(self.steps):
            done, loss, gradient = self._look(rows, w, c[rows])
            reached[rows] |= done
            w = w - adam.step(gradient)
            if step and step % max(self.steps // CHECKS, 1) == 0:
                fell = loss <= PROGRESS * before[rows]
                going = (fell | ~stood[rows]) & ~loss.isnan()
                before[rows], ended[rows], stood[rows] = loss, w, ~fell
                if not going.all():
                    rows, w = rows[going], w[going]
                    adam.keep(going)
                if not len(rows):
                    break
        ended[rows] = w
        return reached, ended

    def _look(self, rows: Tensor, w: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return who reaches the goal, the loss, and its gradient in tanh space."""
        z, slope = from_tanh_space_with_slope(w)
        model = self.model.at(rows, images=len(self.nearest.x))
        logits, gap, raising = value_and_gradient(model, margin, z, self.goal.at(rows))
        done = self.nearest.see(
            logits, z, self.nearest.steps_used[rows] + 1, rows=rows, confidence=self.confidence
        )
        moved, lacking = z - self.nearest.x[rows], self.confidence - gap
        pull = torch.where(lacking > 0, c, 0.0)
        loss = moved.flatten(1).square().sum(1) + pull * lacking
        return done, loss, (2.0 * moved - expanded(pull, w) * raising) * slope
