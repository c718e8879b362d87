"""Square attack: random squares, kept when they raise the loss; no gradient is taken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from roadworthy.errors import UsageError
from roadworthy.models.counted import Counted
from roadworthy.stress._attacks.queries import Clock, check_queries, passes_of_queries
from roadworthy.stress._attacks.square_bumps import BumpProposals
from roadworthy.stress._attacks.square_linf import LinfProposals
from roadworthy.stress._attacks.square_search import search
from roadworthy.stress._attacks.square_stock import Proposals, Stock, fractions
from roadworthy.stress._norms import GEOMETRIES
from roadworthy.stress.ball import Ball
from roadworthy.stress.base import attack
from roadworthy.stress.draws import BatchDraws
from roadworthy.stress.goal import Goal
from roadworthy.stress.watch import Found, Stop, Watch
from roadworthy.types import Need

PROPOSALS: dict[str, Proposals] = {
    "Linf": LinfProposals(),
    "L2": BumpProposals(order=2, decay=2),
    "L1": BumpProposals(order=1, decay=4, fit=GEOMETRIES["L1"].project, pooled=True),
}


def _check(arguments: Mapping[str, Any]) -> None:
    check_queries("square", arguments)
    if not 0 < arguments.get("initial_fraction", 1) <= 1:
        raise UsageError(
            "square: initial_fraction is the part of the frame that the first squares cover, above 0 "
            f"and at most 1, not {arguments['initial_fraction']}"
        )


@attack(
    Need.PROBABILITIES,
    norms=("Linf", "L2", "L1"),
    check=_check,
    passes=passes_of_queries,
    paper="Andriushchenko et al., ECCV 2020",
)
def square(
    model: Counted,
    x: Tensor,
    goal: Goal,
    ball: Ball,
    *,
    queries: int = 5000,
    initial_fraction: float = 0.8,
    rescale: bool = False,
    seconds: float | None = None,
    stop: Stop = "success",
    rng: BatchDraws,
) -> Found:
    """Change one random square at a time and keep what raises the margin loss, without gradients.

    ``x`` is a float batch (N, C, H, W) in [0, 1]; the result has its shape and lies in the ball. With
    a target it is the cross-entropy with it that falls. ``initial_fraction`` is the part of the
    frame that the first squares cover; it is halved on the published schedule, which ``rescale``
    stretches to ``queries``. Every image draws its own squares. Where few images are left of a model
    that gives gradients, several proposals of each are tried in one call and those after an accepted
    one are made again: this changes nothing but the forward passes counted; ``steps_used`` and
    ``step_success`` are queries, the first point's included, as if one at a time. ``seconds`` ends the
    attack on a batch after that time, which depends on the machine. Andriushchenko et al., ECCV 2020.
    """
    clock = Clock(seconds)
    # windows are cut out channel by channel
    proposals, plain = PROPOSALS[ball.norm], x.contiguous()
    areas = fractions(queries - 1, initial_fraction, queries=queries if rescale else None)
    sides = np.array([proposals.side(area, *x.shape[2:]) for area in areas], dtype=np.int64)
    with torch.no_grad():
        start = proposals.start(plain, ball.eps.to(x).view(-1, 1, 1, 1), rng)
        watch = Watch(model, plain, goal, ball, stop=stop)
        found = search(watch, proposals, start, Stock(rng, sides, like=x), queries, clock)
    return replace(found, x=torch.empty_like(x).copy_(found.x))
