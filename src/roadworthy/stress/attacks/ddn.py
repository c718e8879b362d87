"""Decoupled direction and norm: descend, and let the length grow or shrink on its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from roadworthy.errors import UsageError
from roadworthy.models.counted import Counted
from roadworthy.models.gradient import value_and_gradient
from roadworthy.stress._attacks.descent import cosine, unit, unit_or_random
from roadworthy.stress._attacks.nearest import Nearest, furthest
from roadworthy.stress._norms import Geometry
from roadworthy.stress._norms.base import expanded
from roadworthy.stress.base import minimal_attack
from roadworthy.stress.draws import BatchDraws
from roadworthy.stress.goal import Goal
from roadworthy.stress.losses import LOSSES, LossName
from roadworthy.stress.watch import Found
from roadworthy.types import Need


def _check(arguments: Mapping[str, Any]) -> None:
    if arguments["steps"] < 1:
        raise UsageError(f"ddn: steps must be at least 1, not {arguments['steps']}")
    if not 0 < arguments["gamma"] < 1:
        raise UsageError(f"ddn: gamma must be between 0 and 1, not {arguments['gamma']}")
    if not 0 < arguments["initial_radius"] < float("inf"):
        raise UsageError(
            f"ddn: initial_radius must be a length larger than 0, not {arguments['initial_radius']}"
        )
    if arguments.get("levels", 2) < 2:
        raise UsageError(f"ddn: levels must be 2 or more, or none, not {arguments['levels']}")


@minimal_attack(
    Need.GRADIENT,
    norms=("L2",),
    check=_check,
    passes=lambda given: (given["steps"] + 1, given["steps"]),
    paper="Rony et al., CVPR 2019",
)
def ddn(
    model: Counted,
    x: Tensor,
    goal: Goal,
    geometry: Geometry,
    *,
    steps: int = 100,
    initial_radius: float = 1.0,
    gamma: float = 0.05,
    loss: LossName = "cross_entropy",
    levels: int | None = None,
    rng: BatchDraws,
) -> Found:
    """Follow the direction of a loss on a sphere that shrinks by ``gamma`` where it is adversarial.

    ``x`` is a float batch (N, C, H, W) in [0, 1]; the result has its shape: the nearest adversarial
    image seen. ``initial_radius`` is the first one, in units of [0, 1]; where the goal is not reached
    the radius grows by the fraction ``gamma``. Steps shorten from 1 to 0.01 along a cosine. ``levels``
    rounds every point to so many grey levels, 256 being those of 8 bits. Where a gradient vanishes
    the step is random. Rony et al., CVPR 2019.
    """
    nearest, limit = Nearest(x, goal, geometry), furthest(x, geometry)
    radius = torch.full_like(limit, initial_radius)
    z = x
    for step in range(steps):
        logits, _, gradient = value_and_gradient(model, LOSSES[loss], z, goal)
        reached = nearest.see(logits, z, step)
        moved = z - x + cosine(1.0, 0.01, step, steps) * unit_or_random(gradient, rng)
        radius = torch.where(reached, radius * (1.0 - gamma), radius * (1.0 + gamma)).minimum(limit)
        z = (x + expanded(radius, x) * unit(moved)).clamp_(0.0, 1.0)
        if levels is not None:
            z = (z * (levels - 1)).round_().div_(levels - 1)
    with torch.no_grad():
        nearest.see(model.logits(z), z, steps)
    return nearest.found()
