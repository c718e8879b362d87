"""The losses that attacks climb, by name; each takes logits and a goal, one value per sample."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from roadworthy.stress.goal import Goal

LossName = Literal["cross_entropy", "margin", "dlr"]
Loss = Callable[[Tensor, Goal], Tensor]


def cross_entropy(logits: Tensor, goal: Goal) -> Tensor:
    """Return the cross-entropy with the label in nats, (N,); with a target, minus that with it."""
    if goal.targets is not None:
        return -functional.cross_entropy(logits, goal.targets, reduction="none")
    return functional.cross_entropy(logits, goal.labels, reduction="none")


def margin(logits: Tensor, goal: Goal) -> Tensor:
    """Return how far the best wrong logit is above the label's, (N,); positive where it is reached.

    With a target, how far the target's logit is above the best other one.
    """
    if goal.targets is not None:
        return _picked(logits, goal.targets) - _best_other(logits, goal.targets)
    return _best_other(logits, goal.labels) - _picked(logits, goal.labels)


def dlr(logits: Tensor, goal: Goal) -> Tensor:
    """Return the difference of logits ratio, (N,), which no shift or positive scale changes.

    Untargeted -(z_y - max z_other) / (z_1st - z_3rd); with a target
    -(z_y - z_target) / (z_1st - (z_3rd + z_4th) / 2), the classes in descending order. It needs three
    classes, with a target four; models with fewer get the margin, whose sign is the same. Croce &
    Hein, ICML 2020.
    """
    if logits.shape[1] < (3 if goal.targets is None else 4):
        return margin(logits, goal)
    ordered = logits.sort(dim=1, descending=True).values
    if goal.targets is None:
        spread = ordered[:, 0] - ordered[:, 2]
        return margin(logits, goal) / (spread + 1e-12)
    spread = ordered[:, 0] - 0.5 * (ordered[:, 2] + ordered[:, 3])
    gap = _picked(logits, goal.targets) - _picked(logits, goal.labels)
    return gap / (spread + 1e-12)


LOSSES: dict[str, Loss] = {"cross_entropy": cross_entropy, "margin": margin, "dlr": dlr}
"""Every loss by name; attacks raise it."""


def _picked(logits: Tensor, classes: Tensor) -> Tensor:
    return logits.gather(1, classes[:, None]).squeeze(1)


def _best_other(logits: Tensor, classes: Tensor) -> Tensor:
    others = torch.ones_like(logits, dtype=torch.bool).scatter(1, classes[:, None], False)
    return logits.masked_fill(~others, float("-inf")).amax(dim=1)
