"""The boundaries between the label and other classes, linearised at every image."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from roadworthy.errors import RoadworthyError
from roadworthy.models.counted import Counted
from roadworthy.models.threads import all_threads
from roadworthy.stress._norms import Geometry
from roadworthy.stress._norms.base import expanded
from roadworthy.stress.goal import Goal
from roadworthy.stress.losses import margin
from roadworthy.types import Need

Linearised = tuple[Tensor, Tensor, Tensor]
"""Logits (N, classes), how far something is above the label (N,), and the gradient of that."""


def clean_goal(model: Counted, x: Tensor, goal: Goal) -> Goal:
    """Return the goal with the logits of the unchanged images; asks for them if it has none."""
    if goal.clean is not None:
        return goal
    with torch.no_grad():
        return replace(goal, clean=model.logits(x))


def most_likely(logits: Tensor, labels: Tensor, count: int) -> Tensor:
    """Return the classes of the ``count`` largest logits that are not the label's, (N, count)."""
    others = logits.scatter(1, labels[:, None], float("-inf"))
    ranked = others.argsort(dim=1, descending=True, stable=True)
    return ranked[:, : min(count, logits.shape[1] - 1)]


def nearest_boundary(
    model: Counted, z: Tensor, goal: Goal, geometry: Geometry, others: Tensor
) -> Linearised:
    """Return the lead of that one of ``others`` (N, K) whose linearised boundary is nearest.

    It takes K backward passes; one, of the margin, where the goal has targets.
    """

    def leads(logits: Tensor) -> Tensor:
        if goal.targets is not None:
            return margin(logits, goal)[:, None]
        return logits.gather(1, others) - logits.gather(1, goal.labels[:, None])

    logits, points, values = _graph(model, leads, z)
    nearest = values.new_full(values.shape[:1], float("inf"))
    value, gradient = values[:, 0].detach(), torch.zeros_like(z)
    for k in range(values.shape[1]):
        with all_threads():
            (slope,) = torch.autograd.grad(values[:, k].sum(), points, retain_graph=True)
        lead = values[:, k].detach()
        distance = lead.abs() / geometry.dual(slope).clamp_min(torch.finfo(z.dtype).tiny)
        nearer = distance < nearest
        nearest = torch.where(nearer, distance, nearest)
        value = torch.where(nearer, lead, value)
        gradient = torch.where(expanded(nearer, z), slope, gradient)
    return logits.detach(), value, gradient


def _graph(
    model: Counted, leads: Callable[[Tensor], Tensor], z: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Return logits, the points they belong to and what ``leads`` makes of them, with their graph."""
    if Need.GRADIENT not in model.gives:
        raise RoadworthyError(f"{model.id} gives no gradient; use a black-box attack")
    with torch.enable_grad():
        points = z.detach().clone().requires_grad_()
        logits = model.logits(points)
        values = leads(logits)
    if not values.requires_grad:
        raise RoadworthyError(
            f"{model.id}: the logits do not depend on the input differentiably "
            "(is part of the network run under no_grad, or detached?)"
        )
    return logits, points, values
