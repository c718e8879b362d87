"""Descent that shrinks every change as it goes, so that most elements do not change at all."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from roadworthy.models.counted import Counted
from roadworthy.models.gradient import value_and_gradient
from roadworthy.stress._attacks.nearest import Nearest
from roadworthy.stress._norms.base import expanded
from roadworthy.stress.goal import Goal
from roadworthy.stress.losses import margin

CHECKS = 10
"""How often in a descent it is asked whether an image still makes progress."""

PROGRESS = 0.9999
"""What the loss has to fall to, as a share of that at the last check, for its image to go on."""


def shrunk(x: Tensor, z: Tensor, by: float) -> Tensor:
    """Return ``z`` in the box, with every change from ``x`` smaller ``by`` so much, 0 at least."""
    change = z - x
    return (x + change.sign() * (change.abs() - by).clamp_min_(0.0)).clamp_(0.0, 1.0)


@dataclass(frozen=True)
class Shrinking:
    """FISTA on c times what the margin lacks, plus the squared distance, plus the sum of changes.

    Gradients are taken where momentum leads, ahead of the points that are shrunk; `nearest` sees
    both. Beck & Teboulle, SIAM J. Imaging Sciences 2009.
    """

    model: Counted
    goal: Goal
    nearest: Nearest
    steps: int
    learning_rate: float
    shrinkage: float
    confidence: float

    def __call__(self, rows: Tensor, c: Tensor) -> Tensor:
        """Descend from the images ``rows`` (indices), whose weights are among ``c`` (N,).

        Returns for which images of the whole batch the goal was reached on the way, (N,).
        """
        reached, before = torch.zeros_like(c, dtype=torch.bool), torch.full_like(c, float("inf"))
        x = z = ahead = self.nearest.x[rows]
        for step in range(self.steps):
            done, loss, gradient = self._look(rows, ahead, c[rows])
            length = self.learning_rate * (1.0 - step / self.steps) ** 0.5
            last, z = z, shrunk(x, ahead - length * gradient, self.shrinkage)
            reached[rows] |= done | self._judge(rows, z)
            ahead = (z + step / (step + 3.0) * (z - last)).clamp_(0.0, 1.0)
            if step % max(self.steps // CHECKS, 1) == 0:
                going = loss <= PROGRESS * before[rows]  # a loss of NaN does not go on
                before[rows] = loss
                if not going.all():
                    rows, x, z, ahead = rows[going], x[going], z[going], ahead[going]
                if not len(rows):
                    break
        return reached

    def _look(self, rows: Tensor, z: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return who reaches the goal, the loss, and the gradient of its smooth part."""
        model = self.model.at(rows, images=len(self.nearest.x))
        logits, gap, raising = value_and_gradient(model, margin, z, self.goal.at(rows))
        done = self._see(rows, z, logits, self.nearest.steps_used[rows] + 1)
        change, lacking = z - self.nearest.x[rows], self.confidence - gap
        pull = torch.where(lacking > 0, c, 0.0)
        flat = change.flatten(1)
        loss = flat.square().sum(1) + self.shrinkage * flat.abs().sum(1) + pull * lacking
        return done, loss, 2.0 * change - expanded(pull, z) * raising

    def _judge(self, rows: Tensor, z: Tensor) -> Tensor:
        with torch.no_grad():
            logits = self.model.at(rows, images=len(self.nearest.x)).logits(z)
        return self._see(rows, z, logits, self.nearest.steps_used[rows])

    def _see(self, rows: Tensor, z: Tensor, logits: Tensor, step: Tensor) -> Tensor:
        return self.nearest.see(logits, z, step, rows=rows, confidence=self.confidence)
