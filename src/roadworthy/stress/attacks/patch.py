"""Patch attack: any change at all, inside one square of the image."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor

from roadworthy.errors import UsageError
from roadworthy.models.counted import Counted
from roadworthy.models.gradient import value_and_gradient
from roadworthy.stress._attacks.in_turn import Standing
from roadworthy.stress._attacks.squares import (
    Corners,
    drawn_corners,
    grid_corners,
    inside,
    said,
    side_of,
)
from roadworthy.stress._attacks.steps import check_steps
from roadworthy.stress.base import normless_attack
from roadworthy.stress.draws import BatchDraws
from roadworthy.stress.goal import Goal
from roadworthy.stress.losses import LOSSES, Loss, LossName
from roadworthy.stress.watch import Found, Stop, Watch
from roadworthy.types import Need


def _check(arguments: Mapping[str, Any]) -> None:
    check_steps("patch")(arguments)
    if not 0 < arguments["area"] <= 1:
        raise UsageError(
            f"patch: area is a part of the frame, above 0 and at most 1, not {arguments['area']}"
        )
    if arguments.get("grid", 1) < 1:
        raise UsageError(f"patch: grid is 1 or more places a side, not {arguments['grid']}")


def _passes(arguments: Mapping[str, Any]) -> tuple[int, int]:
    steps = arguments["steps"]
    if "grid" not in arguments:
        return steps, steps
    places = arguments["grid"] ** 2
    return places * (steps + 1), places * steps


@normless_attack(
    Need.GRADIENT,
    level="area",
    restarts=True,
    check=_check,
    passes=_passes,
    paper="Brown et al., 2017",
)
def patch(
    model: Counted,
    x: Tensor,
    goal: Goal,
    *,
    area: float = 0.05,
    grid: int | None = None,
    steps: int = 40,
    step: float | None = None,
    relative_step: float | None = None,
    start: Literal["random", "none"] = "random",
    loss: LossName = "cross_entropy",
    stop: Stop = "never",
    rng: BatchDraws,
) -> Found:
    """Raise a loss by changing one square of each image, whose pixels may take any value.

    ``x`` is a float batch (N, C, H, W) in [0, 1]; the result has its shape and differs inside the
    square alone, which covers ``area`` of the frame as nearly as whole pixels do. Each image draws
    its place, ``restarts`` draw others; ``grid=k`` tries k by k evenly spaced places in turn
    until one succeeds. Steps go along the sign of the gradient: ``step`` is absolute, in units of
    [0, 1], ``relative_step`` r means r / steps (2.5 if neither is given). ``start=random`` begins
    with noise in the square. ``broken_by`` says which place of a grid it was. Every image gets a
    patch of its own, unlike the universal one of Brown et al., "Adversarial patch", 2017.
    """
    frame = x.shape[2], x.shape[3]
    side = side_of(area, *frame)
    noise = torch.from_numpy(rng.uniform(0.0, 1.0, tuple(x.shape[1:]))).to(x)
    filling = noise if start == "random" else x
    size = (2.5 if relative_step is None else relative_step) / steps if step is None else step

    def attempt(place: Corners, rows: Tensor) -> Found:
        watch = Watch(model.at(rows, images=len(x)), x[rows], goal.at(rows), None, stop=stop)
        mask = inside(place, side, x)[rows]
        begin = torch.where(mask, filling[rows], watch.x)
        return _climb(watch, begin, mask, steps=steps, size=size, loss=LOSSES[loss])

    if grid is None:
        everyone = torch.arange(len(x), device=x.device)
        return attempt(drawn_corners(side, *frame, rng), everyone)
    return _first_that_works(model, x, goal, grid_corners(side, *frame, grid), attempt)


def _first_that_works(
    model: Counted,
    x: Tensor,
    goal: Goal,
    places: Sequence[Corners],
    attempt: Callable[[Corners, Tensor], Found],
) -> Found:
    """Try ``places`` in turn, each on the images that are left; where none works keep the nearest."""
    standing = Standing(x.clone(), torch.full_like(x[:, 0, 0, 0], -torch.inf), [None] * len(x))
    for place in places:
        rows = standing.rows
        if not len(rows):
            break
        found = attempt(place, rows)
        with torch.no_grad():
            logits = model.at(rows, images=len(x)).logits(found.x)
        standing.take(rows, said(place), found, logits, goal.at(rows))
    return standing.found


def _climb(watch: Watch, z: Tensor, mask: Tensor, *, steps: int, size: float, loss: Loss) -> Found:
    """Take ``steps`` steps from ``z`` along the sign of the gradient, inside ``mask`` alone."""
    for step in range(steps):
        logits, _, gradient = value_and_gradient(watch.model, loss, z, watch.goal)
        z, mask, gradient = watch.keep(watch.see(logits, z, step), z, mask, gradient)
        if not len(watch):
            break
        higher = (z + size * watch.usable(gradient).sign()).clamp_(0.0, 1.0)
        z = torch.where(mask, higher, z)
    return watch.finish(z, steps)
