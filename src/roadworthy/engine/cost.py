"""What a plan would cost: forward and backward passes still to do, timed on one real batch."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from roadworthy.engine.options import Options
from roadworthy.engine.plan import Cell, Judge, Plan, Unavailable
from roadworthy.engine.remaining import remaining
from roadworthy.engine.store import Store
from roadworthy.stress._attacks.estimate import passes_of
from roadworthy.types import Tap

BACKWARD_COST = 2.0
"""A forward and backward pass to the input costs about this many forward passes more."""

BYTES_OF_ORDER = 6
"""For each pixel at most: when it goes, and how sure the model was before."""

FILM = 31
"""Frames in a published film; those of a stored set are counted only when they are read."""


@dataclass(frozen=True)
class CellCost:
    """One cell: samples in it, samples still to judge, and passes per sample.

    ``source`` is the model whose adversarials are judged, if it is another; ``kept`` is how many bytes
    what is still to be crafted may take.
    """

    data: str
    model: str
    stress: str
    samples: int
    left: int
    forwards: int
    backwards: int
    seconds: float
    source: str = ""
    kept: int = 0


@dataclass(frozen=True)
class Costs:
    """The whole plan."""

    cells: tuple[CellCost, ...]
    unavailable: tuple[Unavailable, ...]

    @property
    def seconds(self) -> float:
        """Estimated time of all passes, without reading the images."""
        return sum(cell.seconds for cell in self.cells)

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return {
            "cells": [asdict(cell) for cell in self.cells],
            "unavailable": [asdict(pair) for pair in self.unavailable],
            "seconds": self.seconds,
        }

    def text(self) -> str:
        """Return the plan as lines for people."""
        lines = ["nothing was run; this is what would be:"]
        for cell in self.cells:
            passes = f"{cell.forwards} forward" + (
                f" + {cell.backwards} backward" if cell.backwards else ""
            )
            who = f"{cell.model} (made on {cell.source})" if cell.source else cell.model
            lines.append(
                f"  {cell.stress}  {who}  {cell.data}: {cell.left} of {cell.samples} samples "
                f"left, {passes} each, about {cell.seconds:.0f} s"
            )
        for pair in self.unavailable:
            lines.append(f"  {pair.stress}  {pair.model}: n/a: {pair.reason}")
        if any(cell.kept for cell in self.cells):
            megabytes = sum(cell.kept for cell in self.cells) / 1e6
            lines.append(f"adversarials kept in artifacts/: at most {megabytes:.1f} MB")
        lines.append(f"about {self.seconds:.0f} s in all, beside reading the images")
        return "\n".join(lines)


def estimate(plan: Plan, options: Options, out: Path | None) -> Costs:
    """Estimate ``plan``; one batch through each model is timed, nothing is written."""
    todo: dict[str, set[str]] = {}
    if out is not None and (out / "runs").is_dir():
        store = Store(out)
        store.sequence += 1  # as the invocation that this one stands for
        todo = remaining(store, plan.cells, retry_failed=options.retry_failed)
    speed: dict[str, float] = {}
    costs = []
    for cell in plan.cells:
        judge = cell.judge
        if judge.spec not in speed:
            speed[judge.spec] = seconds_per_image(judge, cell.size, options)
        left = len(todo.get(cell.request, cell.source.samples))
        forwards, backwards = passes(cell)
        seconds = left * (forwards + BACKWARD_COST * backwards) * speed[judge.spec]
        costs.append(
            CellCost(
                cell.source.dataset.spec,
                judge.spec,
                cell.stress.spec,
                len(cell.source.samples),
                left,
                forwards,
                backwards,
                seconds,
                cell.made_by,
                left * bytes_kept(cell),
            )
        )
    return Costs(tuple(costs), plan.unavailable)


def bytes_kept(cell: Cell) -> int:
    """Return how many bytes are kept of one sample, if what is made of it is kept."""
    if not cell.crafting or cell.made_by:
        return 0
    if cell.stress.definition.ranking is not None:
        return len(cell.makings) * BYTES_OF_ORDER * cell.size[0] * cell.size[1]
    return 4 * 3 * cell.size[0] * cell.size[1] * len(cell.stress.settings)


def passes(cell: Cell) -> tuple[int, int]:
    """Return forward and backward passes that one sample of the cell needs."""
    definition, settings = cell.stress.definition, cell.stress.settings
    if definition.ranking is not None:
        return _ranked(cell)
    if cell.made_by:
        return 2 * len(settings), 0  # as it is, and in 8 bits
    if cell.films is not None:
        return FILM, 0
    if definition.sequence:
        return sum(int(cell.sequence(s).arguments["frames"]) for s in settings), 0
    if definition.tap is Tap.INPUT:
        each = [passes_of(cell.stress, setting) for setting in settings]
        # Then the verdict, whether it is a number, and the verdict in 8 bits.
        return sum(f for f, _ in each) + 3 * len(each), sum(b for _, b in each)
    return sum(not cell.as_clean(setting) for setting in settings), 0


def _ranked(cell: Cell) -> tuple[int, int]:
    """Return the passes of everything that a ranking has made, each once, and of what it shows."""
    ranking, settings = cell.stress.definition.ranking, cell.stress.settings
    assert ranking is not None
    shown = sum(ranking.shown(s.arguments) for s in settings)
    if cell.made_by:
        return shown, 0
    made = {}
    for s in settings:
        grid = cell.grid(s.arguments)
        wanted = tuple(w.digest for w in ranking.wants(s.arguments, grid))
        made[wanted] = ranking.passes(s.arguments, grid)
    return shown + sum(f for f, _ in made.values()), sum(b for _, b in made.values())


def seconds_per_image(judge: Judge, size: tuple[int, int], options: Options) -> float:
    """Time one warm forward pass and return its seconds per image."""
    import torch

    from roadworthy.models.precision import in_precision

    model = in_precision(judge.model, judge.precision)
    x = torch.full((options.forward_batch, 3, *size), 0.5, device=options.device)
    with torch.inference_mode():
        model.logits(x)
        began = time.perf_counter()
        model.logits(x)
    return (time.perf_counter() - began) / len(x)
