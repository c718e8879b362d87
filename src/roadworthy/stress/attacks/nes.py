"""Natural evolution strategies: a gradient estimated from answers along Gaussian directions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from roadworthy.errors import UsageError
from roadworthy.models.counted import Counted
from roadworthy.stress._attacks.differences import check_estimate, climb_estimated
from roadworthy.stress._attacks.halving import Halving
from roadworthy.stress._attacks.queries import Clock, check_positive, passes_of_queries
from roadworthy.stress.ball import Ball
from roadworthy.stress.base import attack
from roadworthy.stress.draws import BatchDraws
from roadworthy.stress.goal import Goal
from roadworthy.stress.losses import LOSSES, LossName
from roadworthy.stress.watch import Found, Stop, Watch
from roadworthy.types import Need

STEP = 0.15
"""The step in parts of eps, where none is given: that of Dong et al., CVPR 2020."""


def _check(arguments: Mapping[str, Any]) -> None:
    check_estimate("nes")(arguments)
    check_positive("nes", arguments, "smallest")
    if not 0 <= arguments.get("momentum", 0) < 1:
        raise UsageError(f"nes: momentum is 0 or more and below 1, not {arguments['momentum']}")
    if arguments.get("patience", 0) < 0:
        raise UsageError(f"nes: patience is a number of steps, not {arguments['patience']}")


@attack(
    Need.PROBABILITIES,
    norms=("Linf", "L2", "L1"),
    check=_check,
    passes=passes_of_queries,
    paper="Ilyas et al., ICML 2018",
)
def nes(
    model: Counted,
    x: Tensor,
    goal: Goal,
    ball: Ball,
    *,
    queries: int = 10_000,
    samples: int = 100,
    spread: float = 1e-3,
    step: float | None = None,
    smallest: float = 0.1,
    patience: int = 20,
    momentum: float = 0.0,
    loss: LossName = "margin",
    stop: Stop = "success",
    seconds: float | None = None,
    rng: BatchDraws,
) -> Found:
    """Climb a gradient that is estimated from answers at ``samples`` points around each iterate.

    ``x`` is a float batch (N, C, H, W) in [0, 1]; the result has its shape and lies in the ball. The
    points lie in pairs on either side, along normal directions of standard deviation ``spread``, in
    units of [0, 1]. Every step is a steepest one of size ``step`` (0.15 eps if none is given), halved
    down to ``smallest`` of it when the loss has not risen for ``patience`` steps (0: never).
    ``momentum`` mixes in the estimates before. An image gets ``queries`` answers in all, one of them
    at every iterate; ``steps_used`` and ``step_success`` are queries. ``seconds`` ends the attack
    on a batch after that time, which makes results depend on the machine. Ilyas et al., ICML 2018.
    """
    size = STEP * ball.eps if step is None else torch.full_like(ball.eps, step)
    with torch.no_grad():
        return climb_estimated(
            Watch(model, x, goal, ball, stop=stop, rng=rng),
            Halving(x, size, smallest=smallest, patience=patience, momentum=momentum),
            BatchDraws.singles,
            queries=queries,
            samples=samples,
            spread=spread,
            loss=LOSSES[loss],
            clock=Clock(seconds),
        )
