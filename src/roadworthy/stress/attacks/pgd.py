"""Projected gradient descent: many small steepest-ascent steps inside the ball."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from torch import Tensor

from roadworthy.errors import UsageError
from roadworthy.models.gradient import value_and_gradient
from roadworthy.stress.ball import Ball
from roadworthy.stress.base import attack
from roadworthy.stress.draws import BatchDraws
from roadworthy.stress.goal import Goal, cross_entropy
from roadworthy.types import Classifier, Need

DEFAULT_RELATIVE_STEP = 2.5


def _check(arguments: Mapping[str, Any]) -> None:
    if arguments["steps"] < 1:
        raise UsageError(f"pgd: steps must be at least 1, not {arguments['steps']}")
    if {"step", "relative_step"} <= set(arguments):
        raise UsageError("pgd: give either step (absolute) or relative_step, not both")


@attack(Need.GRADIENT, check=_check, paper="Madry et al., ICLR 2018")
def pgd(
    model: Classifier,
    x: Tensor,
    goal: Goal,
    ball: Ball,
    *,
    steps: int = 40,
    step: float | None = None,
    relative_step: float | None = None,
    start: Literal["random", "none"] = "random",
    rng: BatchDraws,
) -> Tensor:
    """Raise the cross-entropy by ``steps`` steps of fixed size, each followed by a projection.

    ``x`` is a float batch (N, C, H, W) in [0, 1]; the result has its shape and lies in the ball.
    ``step`` is absolute, in units of [0, 1]; ``relative_step`` r means r * eps / steps (2.5 if
    neither is given). ``start=random`` begins at a uniform point of the ball, drawn per sample.
    The last iterate is returned. Madry et al., ICLR 2018.
    """
    relative = DEFAULT_RELATIVE_STEP if relative_step is None else relative_step
    size = relative * ball.eps / steps if step is None else ball.eps.new_full(ball.eps.shape, step)
    size = size.to(x).view(-1, 1, 1, 1)
    z = ball.random_start(x, rng) if start == "random" else x
    for _ in range(steps):
        _, _, gradient = value_and_gradient(model, cross_entropy, z, goal.labels)
        z = ball.project(x, z + size * ball.steepest(gradient))
    return z
