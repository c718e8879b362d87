"""Fast minimum norm: descend, and let a ball close in on the decision boundary, in any norm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Tensor

from roadworthy.errors import UsageError
from roadworthy.models.counted import Counted
from roadworthy.models.gradient import value_and_gradient
from roadworthy.stress._attacks import linearised
from roadworthy.stress._attacks.descent import cosine, unit
from roadworthy.stress._attacks.nearest import Nearest, furthest
from roadworthy.stress._attacks.radius import RADII
from roadworthy.stress._norms import Geometry
from roadworthy.stress._norms.base import expanded
from roadworthy.stress.base import minimal_attack
from roadworthy.stress.goal import Goal
from roadworthy.stress.losses import margin
from roadworthy.stress.watch import Found
from roadworthy.types import Need


def _check(arguments: Mapping[str, Any]) -> None:
    if arguments["steps"] < 1:
        raise UsageError(f"fmn: steps must be at least 1, not {arguments['steps']}")
    if not 0 < arguments["gamma"] < 1:
        raise UsageError(f"fmn: gamma must be between 0 and 1, not {arguments['gamma']}")
    if not 0 < arguments.get("step", 1.0) < float("inf"):
        raise UsageError(f"fmn: step must be a length larger than 0, not {arguments['step']}")
    if arguments["start"] == "deepfool" and arguments["norm"] not in linearised.NORMS:
        known = " or ".join(linearised.NORMS)
        raise UsageError(f"fmn: start=deepfool needs norm {known}, not {arguments['norm']}")


def _passes(given: Mapping[str, Any]) -> tuple[int, int]:
    forwards, backwards = given["steps"] + 1, given["steps"]
    if given["start"] == "none":
        return forwards, backwards
    others = linearised.CANDIDATES - 1  # at most; it goes on only until the class changes
    return forwards + 2 * linearised.STEPS, backwards + others * linearised.STEPS


@minimal_attack(
    Need.GRADIENT,
    norms=("L2", "Linf", "L1", "L0"),
    check=_check,
    passes=_passes,
    paper="Pintor et al., NeurIPS 2021",
)
def fmn(
    model: Counted,
    x: Tensor,
    goal: Goal,
    geometry: Geometry,
    *,
    steps: int = 100,
    step: float | None = None,
    gamma: float = 0.05,
    start: Literal["none", "deepfool"] = "none",
) -> Found:
    """Raise the margin inside a ball whose radius ends up at the distance of the boundary.

    ``x`` is a float batch (N, C, H, W) in [0, 1]; the result has its shape: the nearest adversarial
    image seen. Until the goal is first reached the radius is a linear estimate of the distance;
    after that it shrinks by ``gamma`` where it is reached and grows where it is not. ``step`` is the
    Euclidean length of the first step in units of [0, 1] (1), which falls to a
    hundredth along a cosine as gamma falls to 0.001. ``start=deepfool`` begins at the point that
    DeepFool finds instead of the image (L2 and Linf): some boundaries are nearer than the one that a
    climb from the image meets. Pintor et al., NeurIPS 2021.
    """
    rule, nearest, limit = RADII[geometry.name], Nearest(x, goal, geometry), furthest(x, geometry)
    first = rule.step if step is None else step
    z = x if start == "none" else linearised.across(model, x, goal, geometry).x
    radius = geometry.size(z - x)
    for done in range(steps):
        logits, gap, gradient = value_and_gradient(model, margin, z, goal)
        reached = nearest.see(logits, z, done)
        shrink = cosine(gamma, min(gamma, 0.001), done, steps)
        estimate = geometry.size(z - x) + rule.whole(gap.abs() / geometry.dual(gradient))
        grown = rule.grown(radius, shrink)
        outside = torch.where(nearest.distance.isinf(), estimate.maximum(grown), grown)
        inside = rule.shrunk(radius, shrink).minimum(nearest.distance)
        radius = torch.where(reached, inside, outside).nan_to_num(0.0).minimum(limit)
        moved = z + cosine(first, first / 100, done, steps) * unit(gradient)
        z = geometry.project(x, moved, expanded(radius, x))
    with torch.no_grad():
        nearest.see(model.logits(z), z, steps)
    return nearest.found()
