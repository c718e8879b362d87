"""Basic iterative method (I-FGSM): small steepest-ascent steps from the image itself."""

from __future__ import annotations

from torch import Tensor

from roadworthy.models.counted import Counted
from roadworthy.stress._attacks.climb import climb
from roadworthy.stress._attacks.steps import check_steps, step_size
from roadworthy.stress.ball import Ball
from roadworthy.stress.base import attack
from roadworthy.stress.goal import Goal
from roadworthy.stress.losses import LOSSES, LossName
from roadworthy.stress.watch import Found, Stop
from roadworthy.types import Need


@attack(Need.GRADIENT, check=check_steps("bim"), paper="Kurakin et al., ICLR 2017 workshop")
def bim(
    model: Counted,
    x: Tensor,
    goal: Goal,
    ball: Ball,
    *,
    steps: int = 10,
    step: float | None = None,
    relative_step: float | None = None,
    loss: LossName = "cross_entropy",
    stop: Stop = "never",
) -> Found:
    """Raise a loss by ``steps`` steps of fixed size from the image itself, nothing being random.

    ``x`` is a float batch (N, C, H, W) in [0, 1]; the result has its shape and lies in the ball.
    ``step`` is absolute, in units of [0, 1]; ``relative_step`` r means r * eps / steps (1 if neither
    is given, so that all steps together just reach the edge of the ball; 1.5 is common too). The
    last iterate is returned; with ``stop=success`` the first that reaches the goal. Kurakin et
    al., "Adversarial examples in the physical world", ICLR 2017 workshop.
    """
    size = step_size(ball, steps=steps, step=step, relative_step=relative_step, default=1.0)
    return climb(model, x, goal, ball, steps=steps, size=size, loss=LOSSES[loss], stop=stop)
