"""Fast gradient sign method: one steepest step to the edge of the ball."""

from __future__ import annotations

from torch import Tensor

from roadworthy.models.counted import Counted
from roadworthy.stress._attacks.climb import climb
from roadworthy.stress.ball import Ball
from roadworthy.stress.base import attack
from roadworthy.stress.goal import Goal
from roadworthy.stress.losses import LOSSES, LossName
from roadworthy.stress.watch import Found
from roadworthy.types import Need


@attack(Need.GRADIENT, passes=lambda _: (1, 1), paper="Goodfellow et al., ICLR 2015")
def fgsm(
    model: Counted, x: Tensor, goal: Goal, ball: Ball, *, loss: LossName = "cross_entropy"
) -> Found:
    """Take one step of length ``eps`` along the steepest direction of a loss.

    ``x`` is a float batch (N, C, H, W) in [0, 1]; the result has its shape and lies in the ball.
    Under Linf every element moves by ``eps`` with the sign of its gradient, or as far as the box
    lets it. Goodfellow et al., "Explaining and harnessing adversarial examples", ICLR 2015.
    """
    return climb(model, x, goal, ball, steps=1, size=ball.eps, loss=LOSSES[loss], stop="never")
