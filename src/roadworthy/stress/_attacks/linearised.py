"""Straight to the nearest linearised boundary until it is crossed: DeepFool, and where others begin."""

from __future__ import annotations

import torch
from torch import Tensor

from roadworthy.models.counted import Counted
from roadworthy.stress._attacks.boundaries import clean_goal, most_likely, nearest_boundary
from roadworthy.stress._attacks.nearest import Nearest
from roadworthy.stress._norms import Geometry
from roadworthy.stress._norms.base import expanded
from roadworthy.stress.goal import Goal
from roadworthy.stress.watch import Found

NORMS = ("L2", "Linf")
STEPS, CANDIDATES, OVERSHOOT = 50, 10, 0.02
"""As published."""

BEYOND = 1e-4
"""Added to every step, so that it does not end on the boundary itself."""


def across(
    model: Counted,
    x: Tensor,
    goal: Goal,
    geometry: Geometry,
    *,
    steps: int = STEPS,
    candidates: int = CANDIDATES,
    overshoot: float = OVERSHOOT,
) -> Found:
    """Step onto the nearest linearised boundary until the goal is reached; see the attack ``deepfool``."""
    nearest = Nearest(x, goal, geometry)
    logits = clean_goal(model, x, goal).clean
    assert logits is not None
    others = most_likely(logits, goal.labels, candidates - 1)
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
