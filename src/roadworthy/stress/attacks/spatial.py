"""Spatial attack: the worst of many rotations and shifts; no gradient is taken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from roadworthy.errors import UsageError
from roadworthy.models.counted import Counted
from roadworthy.stress._attacks.moves import Moves, Padding, drawn_moves, grid_moves, moved
from roadworthy.stress.base import normless_attack
from roadworthy.stress.draws import BatchDraws
from roadworthy.stress.goal import Goal
from roadworthy.stress.losses import margin
from roadworthy.stress.watch import NEVER, Found, Stop, Watch
from roadworthy.types import Need

GRID = (5, 5)
"""Angles, and shifts in either direction."""


def _check(arguments: Mapping[str, Any]) -> None:
    if not 0 <= arguments["rotation"] <= 180:
        raise UsageError(f"spatial: rotation is 0 to 180 degrees, not {arguments['rotation']}")
    if not 0 <= arguments["translation"] <= 1:
        raise UsageError(
            "spatial: translation is a part of the frame, 0 to 1, "
            f"not {arguments['translation']}; write 3/32 for 3 of 32 pixels"
        )
    if {"grid", "draws"} <= set(arguments):
        raise UsageError("spatial: give either grid or draws, not both")
    grid, draws = arguments.get("grid", GRID), arguments.get("draws", 1)
    if min(grid) < 1:
        raise UsageError(f"spatial: grid is 1 or more rotations and shifts, not {grid}")
    if draws < 1:
        raise UsageError(f"spatial: draws must be at least 1, not {draws}")


def _passes(arguments: Mapping[str, Any]) -> tuple[int, int]:
    rotations, shifts = arguments.get("grid", GRID)
    return arguments.get("draws", rotations * shifts * shifts), 0


@normless_attack(Need.LABELS, check=_check, passes=_passes, paper="Engstrom et al., ICML 2019")
def spatial(
    model: Counted,
    x: Tensor,
    goal: Goal,
    *,
    rotation: float = 30.0,
    translation: float = 0.1,
    grid: tuple[int, int] | None = None,
    draws: int | None = None,
    padding: Padding = "zeros",
    stop: Stop = "success",
    rng: BatchDraws,
) -> Found:
    """Rotate and shift each image in many ways and keep the one that fools the model most.

    ``x`` is a float batch (N, C, H, W) in [0, 1]; the result has its shape. Angles go up to
    ``rotation`` degrees to either side, shifts up to ``translation`` of the frame's width and height;
    sampling is bilinear and what comes from outside is black, or with ``padding=reflection``
    mirrored. ``grid=(r, t)`` tries r angles with t by t shifts each, (5, 5) if neither is given;
    ``draws`` tries so many at random. A success is kept over any failure, then the larger margin of
    logits; ``stop=success`` leaves an image at its first. Labels are enough. ``step_success`` is the
    number of the first move that reached the goal, ``broken_by`` says the one kept. Engstrom et
    al., "Exploring the landscape of spatial robustness", ICML 2019.
    """
    moves = (
        grid_moves(rotation, translation, *(grid or GRID))
        if draws is None
        else drawn_moves(rotation, translation, draws, rng)
    )
    with torch.no_grad():
        return _worst(Watch(model, x, goal, None, stop=stop), moves, padding)


def _worst(watch: Watch, moves: Moves, padding: Padding) -> Found:
    """Try ``moves`` in turn and return the worst of them for each image."""
    best = watch.x.clone()
    value = torch.full_like(best[:, 0, 0, 0], -torch.inf)
    there = torch.zeros_like(watch.rows, dtype=torch.bool)
    chosen = torch.full_like(watch.rows, NEVER)
    kept = chosen.clone()  # of the whole batch; `chosen` of the images left
    for turn in range(len(moves)):
        z = moved(watch.x, moves.of(turn, watch.rows), padding)
        logits = watch.model.logits(z)
        reached, new = watch.goal.reached(logits), margin(logits, watch.goal).to(value)
        better = (reached & ~there) | ((reached == there) & (new > value))
        best = torch.where(better.view(-1, 1, 1, 1), z, best)
        value, there = torch.where(better, new, value), there | reached
        chosen = torch.where(better & there, turn, chosen)
        kept[watch.rows] = chosen
        going = watch.see(logits, best, turn + 1)
        best, value, there, chosen = watch.keep(going, best, value, there, chosen)
        if not len(watch):
            break
    found = watch.finish(best, len(moves))
    broken_by = (
        None if turn == NEVER else moves.said(turn, i) for i, turn in enumerate(kept.tolist())
    )
    return replace(found, broken_by=tuple(broken_by))
