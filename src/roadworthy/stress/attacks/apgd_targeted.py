"""Targeted Auto-PGD: one class after the other, the most likely first, until an image gives way."""

from __future__ import annotations

from torch import Tensor

from roadworthy.models.counted import Counted
from roadworthy.stress._attacks.apgd_plan import LargeEps, Plan, check_plan, passes
from roadworthy.stress._attacks.apgd_targets import ascend_in_turn
from roadworthy.stress.ball import Ball
from roadworthy.stress.base import attack
from roadworthy.stress.draws import BatchDraws
from roadworthy.stress.goal import Goal
from roadworthy.stress.losses import LOSSES, LossName
from roadworthy.stress.watch import Found, Stop
from roadworthy.types import Need


@attack(
    Need.GRADIENT,
    norms=("Linf", "L2", "L1"),
    check=check_plan("apgd_targeted"),
    passes=passes,
    paper="Croce & Hein, ICML 2020; L1: Croce & Hein, ICML 2021",
)
def apgd_targeted(
    model: Counted,
    x: Tensor,
    goal: Goal,
    ball: Ball,
    *,
    targets: int = 9,
    steps: int = 100,
    loss: LossName = "dlr",
    stop: Stop = "never",
    increase_share: float = 0.75,
    large_eps: LargeEps = "auto",
    rng: BatchDraws,
) -> Found:
    """Run `apgd` towards the ``targets`` most likely wrong classes of the clean image, in this order.

    ``x`` is a float batch (N, C, H, W) in [0, 1]; the result has its shape and lies in the ball. An
    image is done once its goal is reached, whichever class it went to; each target takes ``steps``
    steps, which add up in the result. Images that hold get the iterate of the highest loss over all
    targets. With fewer classes there are fewer targets, and where the goal has targets of its own
    they are the only ones. The other parameters are those of `apgd`. Croce & Hein, ICML 2020.
    """
    plan = Plan(LOSSES[loss], steps, increase_share, large_eps)
    return ascend_in_turn(model, x, goal, ball, targets=targets, plan=plan, stop=stop, rng=rng)
