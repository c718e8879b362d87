"""Parameters that iterative attacks share: their sizes, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

from roadworthy.errors import UsageError
from roadworthy.stress.ball import Ball


def check_steps(name: str) -> Callable[[Mapping[str, Any]], None]:
    """Return the check of ``steps``, ``step`` and ``relative_step`` for the attack ``name``."""

    def check(arguments: Mapping[str, Any]) -> None:
        if arguments.get("steps", 1) < 1:
            raise UsageError(f"{name}: steps must be at least 1, not {arguments['steps']}")
        if {"step", "relative_step"} <= set(arguments):
            raise UsageError(f"{name}: give either step (absolute) or relative_step, not both")
        for key in ("step", "relative_step"):
            if not 0 <= arguments.get(key, 0) < float("inf"):
                raise UsageError(f"{name}: {key} must be a size, 0 or larger, not {arguments[key]}")

    return check


def step_size(
    ball: Ball, *, steps: int, step: float | None, relative_step: float | None, default: float
) -> Tensor:
    """Return the size of a step, (N,): absolute, or relative_step * eps / steps."""
    if step is not None:
        return ball.eps.new_full(ball.eps.shape, step)
    return (default if relative_step is None else relative_step) * ball.eps / steps
