"""Momentum iterative method (MI-FGSM): steps along an accumulated gradient, composed of parts."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

from torch import Tensor

from roadworthy.errors import UsageError
from roadworthy.models.counted import Counted
from roadworthy.stress._attacks.climb import climb
from roadworthy.stress._attacks.in_parts import climb_in_parts
from roadworthy.stress._attacks.steps import check_steps, step_size
from roadworthy.stress.ball import Ball
from roadworthy.stress.base import attack
from roadworthy.stress.draws import BatchDraws
from roadworthy.stress.goal import Goal
from roadworthy.stress.losses import LOSSES, LossName
from roadworthy.stress.parts import Parts, check_parts, resolved
from roadworthy.stress.parts.base import Place
from roadworthy.stress.watch import Found, Stop
from roadworthy.types import Need


def _check(arguments: Mapping[str, Any]) -> None:
    check_steps("mim")(arguments)
    if not 0 <= arguments["decay"] < float("inf"):
        raise UsageError(f"mim: decay must be 0 or larger, not {arguments['decay']}")
    check_parts(arguments, outer="mim")


def _passes(arguments: Mapping[str, Any]) -> tuple[int, int]:
    parts, steps = resolved(arguments["parts"]), arguments["steps"]
    views = prod(part.times for part in parts if part.definition.place is Place.VIEWS)
    around = sum(part.times for part in parts if part.definition.place is Place.CORRECTION)
    gradients = views * (steps + (steps - 1) * around)
    looks = steps if parts and arguments["stop"] == "success" else 0
    return gradients + looks, gradients


@attack(Need.GRADIENT, check=_check, passes=_passes, paper="Dong et al., CVPR 2018")
def mim(
    model: Counted,
    x: Tensor,
    goal: Goal,
    ball: Ball,
    *,
    steps: int = 10,
    step: float | None = None,
    relative_step: float | None = None,
    decay: float = 1.0,
    loss: LossName = "cross_entropy",
    stop: Stop = "never",
    parts: Parts = (),
    rng: BatchDraws,
) -> Found:
    """Raise a loss by ``steps`` steps of fixed size along momentum, from the image itself.

    ``x`` is a float batch (N, C, H, W) in [0, 1]; the result has its shape and lies in the ball.
    Momentum is ``decay`` times itself plus the gradient divided by its L1 norm, image by image.
    ``step`` is absolute, in units of [0, 1]; ``relative_step`` r means r * eps / steps (1 if neither
    is given). ``parts`` make what is found transfer to other models, in any combination and in
    whatever order they are written: ``parts=(scale(copies=5), nesterov, diverse, translation)`` is
    SI-NI-DI-TI. The last iterate is returned; with ``stop=success`` the first that reaches the goal.
    Dong et al., "Boosting adversarial attacks with momentum", CVPR 2018.
    """
    size = step_size(ball, steps=steps, step=step, relative_step=relative_step, default=1.0)
    function = LOSSES[loss]
    if not parts:
        return climb(
            model, x, goal, ball, steps=steps, size=size, loss=function, stop=stop, decay=decay
        )
    return climb_in_parts(
        model,
        x,
        goal,
        ball,
        parts=resolved(parts),
        steps=steps,
        size=size,
        loss=function,
        stop=stop,
        decay=decay,
        rng=rng,
    )
