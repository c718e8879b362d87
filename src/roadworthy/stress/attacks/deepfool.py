"""DeepFool: straight to the nearest linearised boundary until it is crossed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from roadworthy.errors import UsageError
from roadworthy.models.counted import Counted
from roadworthy.stress._attacks.boundaries import clean_goal, nearest_boundary
from roadworthy.stress._attacks.nearest import Nearest
from roadworthy.stress._norms import Geometry
from roadworthy.stress._norms.base import expanded
from roadworthy.stress.base import minimal_attack
from roadworthy.stress.goal import Goal
from roadworthy.stress.watch import Found
from roadworthy.types import Need

BEYOND = 1e-4
"""Added to every step, so that it does not end on the boundary itself."""


def _check(arguments: Mapping[str, Any]) -> None:
    if arguments["steps"] < 1:
        raise UsageError(f"deepfool: steps must be at least 1, not {arguments['steps']}")
    if arguments["candidates"] < 2:
        raise UsageError(
            "deepfool: candidates counts the label and must be at least 2, "
            f"not {arguments['candidates']}"
        )
    if not 0 <= arguments["overshoot"] < float("inf"):
        raise UsageError(f"deepfool: overshoot must be 0 or more, not {arguments['overshoot']}")


@minimal_attack(
    Need.GRADIENT,
    norms=("L2", "Linf"),
    check=_check,
    passes=lambda given: (2 * given["steps"], (given["candidates"] - 1) * given["steps"]),
    paper="Moosavi-Dezfooli et al., CVPR 2016",
)
def deepfool(
    model: Counted,
    x: Tensor,
    goal: Goal,
    geometry: Geometry,
    *,
    steps: int = 50,
    candidates: int = 10,
    overshoot: float = 0.02,
) -> Found:
    """Step onto the nearest linearised boundary with another class until the class changes.

    ``x`` is a float batch (N, C, H, W) in [0, 1]; the result has its shape. Boundaries are those with
    the ``candidates`` most likely classes of the clean image, the label among them: one backward pass
    for each other one. The sum of all steps is lengthened by the fraction ``overshoot``. Under a
    target the boundary is the one between it and the best other class. Moosavi-Dezfooli et al.,
    CVPR 2016.
    """
    nearest = Nearest(x, goal, geometry)
    logits = clean_goal(model, x, goal).clean
    assert logits is not None
    others = _most_likely(logits, goal.labels, min(candidates, logits.shape[1]) - 1)
    left = (~nearest.see(logits, x, 0)).nonzero().squeeze(1)
    total = torch.zeros_like(x)
    for step in range(steps):
        if not len(left):
            break
        here, aim = model.at(left, images=len(x)), goal.at(left)
        z = (x[left] + (1 + overshoot) * total[left]).clamp_(0.0, 1.0)
        _, value, slope = nearest_boundary(here, z, aim, geometry, others[left])
        length = value.abs() / geometry.dual(slope).clamp_min(torch.finfo(x.dtype).tiny) + BEYOND
        total[left] += expanded(length, z) * geometry.steepest(slope, None)
        z = (x[left] + (1 + overshoot) * total[left]).clamp_(0.0, 1.0)
        with torch.no_grad():  # backward passes are many: none for those that are through
            reached = nearest.see(here.logits(z), z, step + 1, rows=left)
        left = left[~reached]
    return nearest.found()


def _most_likely(logits: Tensor, labels: Tensor, count: int) -> Tensor:
    """Return the ``count`` largest logits' classes that are not the label, (N, count)."""
    without = logits.scatter(1, labels[:, None], float("-inf"))
    return without.argsort(dim=1, descending=True, stable=True)[:, :count]
