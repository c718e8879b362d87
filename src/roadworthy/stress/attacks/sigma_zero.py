"""Sigma-zero: few changed elements, by descending a smooth count of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from roadworthy.errors import UsageError
from roadworthy.models.counted import Counted
from roadworthy.models.gradient import value_and_gradient
from roadworthy.stress._attacks.adam import Adam
from roadworthy.stress._attacks.descent import cosine
from roadworthy.stress._attacks.nearest import Nearest
from roadworthy.stress._norms import Geometry
from roadworthy.stress._norms.base import expanded
from roadworthy.stress.base import minimal_attack
from roadworthy.stress.goal import Goal
from roadworthy.stress.losses import margin
from roadworthy.stress.watch import Found
from roadworthy.types import Need


def _check(arguments: Mapping[str, Any]) -> None:
    if arguments["steps"] < 1:
        raise UsageError(f"sigma_zero: steps must be at least 1, not {arguments['steps']}")
    for name in ("smoothing", "learning_rate"):
        if not 0 < arguments[name] < float("inf"):
            raise UsageError(f"sigma_zero: {name} must be larger than 0, not {arguments[name]}")
    for name in ("threshold", "threshold_rate"):
        if not 0 <= arguments[name] <= 1:
            raise UsageError(f"sigma_zero: {name} must be 0 to 1, not {arguments[name]}")


@minimal_attack(
    Need.GRADIENT,
    norms=("L0",),
    check=_check,
    passes=lambda given: (given["steps"] + 1, given["steps"]),
    paper="Cinà et al., ICLR 2025",
)
def sigma_zero(
    model: Counted,
    x: Tensor,
    goal: Goal,
    geometry: Geometry,
    *,
    steps: int = 100,
    smoothing: float = 1e-3,
    threshold: float = 0.3,
    threshold_rate: float = 0.01,
    learning_rate: float = 1.0,
) -> Found:
    """Descend what the margin lacks plus a smooth share of changed elements; drop small changes.

    ``x`` is a float batch (N, C, H, W) in [0, 1]; the result has its shape: of the adversarial images
    seen the one with fewest changed elements. A change d counts for d^2 / (d^2 + ``smoothing``).
    After each step of Adam, whose ``learning_rate`` falls to a tenth along a cosine, changes below
    ``threshold`` are undone; it rises by ``threshold_rate`` times the share of the learning rate that
    is left where the goal is reached and falls elsewhere, image by image. 100 steps are quick,
    1000 the published setting. Cinà et al., ICLR 2025.
    """
    nearest, adam = Nearest(x, goal, geometry), Adam(x, learning_rate=learning_rate)
    least = torch.full_like(nearest.distance, threshold)
    z = x
    for step in range(steps):
        logits, _, raising = value_and_gradient(model, margin, z, goal)
        reached = nearest.see(logits, z, step)
        change = z - x
        lacking = expanded(~reached, x) * -raising
        gradient = _unit(lacking + _count_slope(change, smoothing))
        share = cosine(1.0, 0.1, step, steps)
        adam.learning_rate = share * learning_rate
        change = (x + change - adam.step(gradient)).clamp_(0.0, 1.0) - x
        least = (least + torch.where(reached, threshold_rate, -threshold_rate) * share).clamp(0, 1)
        z = torch.where(change.abs() < expanded(least, x), x, x + change)
    with torch.no_grad():
        nearest.see(model.logits(z), z, steps)
    return nearest.found()


def _count_slope(change: Tensor, smoothing: float) -> Tensor:
    """Return the gradient of the mean of d^2 / (d^2 + smoothing) over each sample's changes d."""
    square = change * change + smoothing
    return change * (2.0 * smoothing / change[0].numel()) / (square * square)


def _unit(gradient: Tensor) -> Tensor:
    """Return each sample's gradient with its largest element 1."""
    return gradient / expanded(gradient.flatten(1).abs().amax(1).clamp_min(1e-30), gradient)
