"""Gradients estimated from answers alone, and the climb along them: what NES and SPSA share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any, Protocol

import torch
from torch import Tensor

from roadworthy.errors import UsageError
from roadworthy.models.counted import Counted
from roadworthy.stress._attacks.queries import (
    NEVER,
    Clock,
    at_once,
    check_positive,
    check_queries,
)
from roadworthy.stress.draws import BatchDraws
from roadworthy.stress.goal import Goal
from roadworthy.stress.losses import Loss
from roadworthy.stress.watch import Found, Watch

Directions = Callable[[BatchDraws, tuple[int, ...]], Any]
"""Draws a direction of a shape for every image, (N, *shape) as a NumPy array."""


class Steps(Protocol):
    """How an estimated gradient becomes a step, image by image."""

    def step(self, watch: Watch, z: Tensor, gradient: Tensor) -> Tensor:
        """Return what to add to ``z`` (N, C, H, W), given the gradient there."""

    def saw(self, value: Tensor) -> None:
        """Note the loss (N,) where the step has led."""

    def keep(self, going: Tensor) -> None:
        """Go on with the images of the mask ``going``."""


def check_estimate(name: str) -> Callable[[Mapping[str, Any]], None]:
    """Return the check of the budget, of ``samples``, ``spread`` and ``step`` for the attack ``name``."""

    def check(arguments: Mapping[str, Any]) -> None:
        check_queries(name, arguments)
        check_positive(name, arguments, "spread", "step")
        samples = arguments.get("samples", 2)
        if samples < 2 or samples % 2:
            raise UsageError(
                f"{name}: samples are asked about in pairs on either side of a point: an even "
                f"number, at least 2, not {samples}"
            )

    return check


def climb_estimated(
    watch: Watch,
    steps: Steps,
    directions: Directions,
    *,
    queries: int,
    samples: int,
    spread: float,
    loss: Loss,
    clock: Clock,
) -> Found:
    """Estimate the gradient by ``samples`` queries, step, ask about the point, until none is left.

    The last estimate makes do with the pairs that are left, or that the ``clock`` leaves time for;
    where none is left the one before serves again, so that exactly ``queries`` are asked about every
    image that does not leave.
    """
    z, asked = watch.x, 0
    gradient = torch.zeros_like(z)
    while True:
        pairs = min(samples, queries - asked - 1) // 2
        if pairs:
            gradient, pairs = estimated(
                watch, z, directions, pairs=pairs, spread=spread, loss=loss, clock=clock
            )
        assert watch.ball is not None
        z = watch.ball.project(watch.x, z + steps.step(watch, z, gradient))
        asked += 2 * pairs + 1
        logits = watch.model.logits(z)
        steps.saw(loss(logits, watch.goal))
        going = watch.see(logits, z, asked)
        if going is not None:
            z, gradient = watch.keep(going, z, gradient)
            steps.keep(going)
        if asked >= queries or not len(watch) or clock.over:
            return watch.finish(z, asked)


def estimated(
    watch: Watch,
    z: Tensor,
    directions: Directions,
    *,
    pairs: int,
    spread: float,
    loss: Loss,
    clock: Clock = NEVER,
) -> tuple[Tensor, int]:
    """Return the mean of u (L(z + spread u) - L(z - spread u)) / (2 spread) over draws of u.

    Also how many draws there were: ``pairs``, or fewer where the ``clock`` ran out between calls of
    the model. The points asked about are clipped to the box: what a model is asked about is an
    image. Where the loss is not finite on either side a draw says nothing.
    """
    total, done, together = torch.zeros_like(z), 0, max(1, at_once(z) // 2)
    draws = drawn_around(watch, z, directions, pairs, spread)
    for drawn in in_calls(draws, together, clock, least=1):
        sides = [side.clamp_(0.0, 1.0) for moved in drawn for side in (z + moved, z - moved)]
        values = losses_of(watch.model, watch.goal, sides, loss)
        for moved, (above, below) in zip(drawn, values.view(-1, 2, len(z)), strict=True):
            slope = (above - below).nan_to_num(0.0, 0.0, 0.0) / (2 * spread * spread * pairs)
            total.addcmul_(moved, slope.to(total).view(-1, 1, 1, 1))  # in the order of the draws
        done += len(drawn)
    return (total if done == pairs else total.mul_(pairs / done)), done


def drawn_around(
    watch: Watch, z: Tensor, directions: Directions, count: int, spread: float
) -> Iterator[Tensor]:
    """Yield ``count`` directions times ``spread``, drawn one by one, whatever their number."""
    assert watch.rng is not None
    channels, height, width = z.shape[1:]
    for _ in range(count):
        drawn = directions(watch.rng, (height, width, channels))  # as batches lie in memory
        yield torch.from_numpy(drawn).to(z).permute(0, 3, 1, 2).mul_(spread)


def in_calls(
    draws: Iterator[Tensor], together: int, clock: Clock, *, least: int
) -> Iterator[list[Tensor]]:
    """Yield ``draws``, some for each call, until the ``clock`` is over and there were ``least``."""
    done = 0
    while (done < least or not clock.over) and (drawn := list(islice(draws, together))):
        yield drawn
        done += len(drawn)


def losses_of(model: Counted, goal: Goal, points: list[Tensor], loss: Loss) -> Tensor:
    """Return the losses of several points of each image, (points, N)."""
    together, values = at_once(points[0]), []
    for first in range(0, len(points), together):
        some = points[first : first + together]
        logits = model.logits(some[0] if len(some) == 1 else torch.cat(some))
        values.append(loss(logits, goal.repeated(len(some))).view(len(some), -1))
    return torch.cat(values)
