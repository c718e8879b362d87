"""The parameters of APGD: what they mean, what is wrong with them, and what they cost."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from torch import Tensor

from roadworthy.errors import UsageError
from roadworthy.stress._attacks.apgd_rules import RULES
from roadworthy.stress._attacks.steps import check_steps
from roadworthy.stress.ball import Ball, Norm
from roadworthy.stress.draws import BatchDraws
from roadworthy.stress.losses import Loss

LargeEps = bool | Literal["auto"]


@dataclass(frozen=True)
class Plan:
    """How to climb: ``steps`` on ``loss``; ``large_eps="auto"`` leaves larger balls to the norm."""

    loss: Loss
    steps: int
    increase_share: float
    large_eps: LargeEps

    def phases(self, ball: Ball) -> Iterator[tuple[Ball, int]]:
        """Yield the balls to climb in, ``ball`` itself the last, and the steps in each."""
        for times, steps in _phases(self.steps, ball.norm, self.large_eps):
            yield replace(ball, eps=times * ball.eps), steps

    def start(self, x: Tensor, ball: Ball, rng: BatchDraws) -> Tensor:
        """Draw a first point for each image."""
        outer, _ = next(self.phases(ball))
        return RULES[ball.norm].start(x, outer, rng)


def check_plan(name: str) -> Callable[[Mapping[str, Any]], None]:
    """Return the check of the parameters of the attack ``name``."""
    steps = check_steps(name)

    def check(arguments: Mapping[str, Any]) -> None:
        steps(arguments)
        share, targets = arguments["increase_share"], arguments.get("targets", 1)
        if not 0 <= share <= 1:
            raise UsageError(f"{name}: increase_share must be a share, 0 to 1, not {share}")
        if targets < 1:
            raise UsageError(f"{name}: targets must be at least 1, not {targets}")

    return check


def passes(arguments: Mapping[str, Any]) -> tuple[int, int]:
    """Return the forward and backward passes for an image that holds out against all targets."""
    steps, targets = arguments["steps"], arguments.get("targets", 1)
    phases = _phases(steps, arguments["norm"], arguments["large_eps"])
    return targets * (steps + len(phases)), targets * steps


def _phases(steps: int, norm: Norm, large_eps: LargeEps) -> list[tuple[int, int]]:
    """Return by how much to enlarge the ball, and the steps there: 30, 30 and 40 % of them."""
    large = RULES[norm].large_eps if large_eps == "auto" else large_eps
    early = int(0.3 * steps) if large else 0
    return [(k, n) for k, n in ((3, early), (2, early), (1, steps - 2 * early)) if n]
