"""Projected gradient descent: many small steepest-ascent steps inside the ball."""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from roadworthy.models.counted import Counted
from roadworthy.stress._attacks.climb import climb
from roadworthy.stress._attacks.steps import check_steps, step_size
from roadworthy.stress.ball import Ball
from roadworthy.stress.base import attack
from roadworthy.stress.draws import BatchDraws
from roadworthy.stress.goal import Goal
from roadworthy.stress.losses import LOSSES, LossName
from roadworthy.stress.watch import Found, Stop
from roadworthy.types import Need


@attack(Need.GRADIENT, check=check_steps("pgd"), paper="Madry et al., ICLR 2018")
def pgd(
    model: Counted,
    x: Tensor,
    goal: Goal,
    ball: Ball,
    *,
    steps: int = 40,
    step: float | None = None,
    relative_step: float | None = None,
    start: Literal["random", "none"] = "random",
    loss: LossName = "cross_entropy",
    stop: Stop = "never",
    rng: BatchDraws,
) -> Found:
    """Raise a loss by ``steps`` steps of fixed size, each followed by a projection.

    ``x`` is a float batch (N, C, H, W) in [0, 1]; the result has its shape and lies in the ball.
    ``step`` is absolute, in units of [0, 1]; ``relative_step`` r means r * eps / steps (2.5 if
    neither is given). ``start=random`` begins at a uniform point of the ball, drawn per sample.
    The last iterate is returned; with ``stop=success`` the first that reaches the goal. Madry et
    al., ICLR 2018.
    """
    size = step_size(ball, steps=steps, step=step, relative_step=relative_step, default=2.5)
    begin = ball.random_start(x, rng) if start == "random" else None
    return climb(
        model, x, goal, ball, steps=steps, size=size, loss=LOSSES[loss], stop=stop, start=begin
    )
