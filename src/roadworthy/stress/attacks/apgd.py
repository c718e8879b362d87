"""Auto-PGD: projected gradient ascent that chooses its step sizes and goes back to its best point."""

from __future__ import annotations

from torch import Tensor

from roadworthy.models.counted import Counted
from roadworthy.stress._attacks.apgd import ascend
from roadworthy.stress._attacks.apgd_plan import LargeEps, Plan, check_plan, passes
from roadworthy.stress.ball import Ball
from roadworthy.stress.base import attack
from roadworthy.stress.draws import BatchDraws
from roadworthy.stress.goal import Goal
from roadworthy.stress.losses import LOSSES, LossName
from roadworthy.stress.watch import Found, Stop, Watch
from roadworthy.types import Need


@attack(
    Need.GRADIENT,
    norms=("Linf", "L2", "L1"),
    check=check_plan("apgd"),
    passes=passes,
    paper="Croce & Hein, ICML 2020; L1: Croce & Hein, ICML 2021",
)
def apgd(
    model: Counted,
    x: Tensor,
    goal: Goal,
    ball: Ball,
    *,
    steps: int = 100,
    loss: LossName = "cross_entropy",
    stop: Stop = "never",
    increase_share: float = 0.75,
    large_eps: LargeEps = "auto",
    rng: BatchDraws,
) -> Found:
    """Raise a loss by ``steps`` steps whose size each image halves when it no longer pays.

    ``x`` is a float batch (N, C, H, W) in [0, 1]; the result has its shape and lies in the ball: the
    latest iterate that reached the goal, or else that of the highest loss. At checkpoints an image
    whose loss rose in no more than ``increase_share`` of the steps since the last one, or whose best
    stands still, halves its step and goes on from its best. Under L1 steps are sparse and shrink by
    a rule of their own. ``large_eps=true`` begins in balls of three and two times eps, with 30 % of
    the steps each; ``auto`` does so under L1. Croce & Hein, ICML 2020 and 2021.
    """
    plan = Plan(LOSSES[loss], steps, increase_share, large_eps)
    watch = Watch(model, x, goal, ball, stop=stop)
    answer, _ = ascend(watch, goal, plan.start(x, ball, rng), plan)
    return watch.finish(answer, steps)
