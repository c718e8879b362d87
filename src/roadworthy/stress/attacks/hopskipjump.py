"""HopSkipJump: estimate the boundary's normal from decisions, jump along it, and bisect back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from roadworthy.errors import UsageError
from roadworthy.models.counted import Counted
from roadworthy.stress._attacks.boundary_normal import boundary_normal
from roadworthy.stress._attacks.decision import Decisions
from roadworthy.stress._attacks.decision_check import check_decisions
from roadworthy.stress._attacks.decision_start import Start, bisected, started
from roadworthy.stress._norms import Geometry
from roadworthy.stress._norms.base import expanded
from roadworthy.stress.base import minimal_attack
from roadworthy.stress.draws import BatchDraws
from roadworthy.stress.goal import Goal
from roadworthy.stress.watch import Found
from roadworthy.types import Need

FIRST_RADIUS = 0.1
"""Euclidean distance of the first probes."""

SEEN = 32
"""By how many rounding errors of its input a probe has to change an element for a network to notice."""

HALVINGS = 25
"""So often a jump is halved before the point stays where it is."""


def _check(arguments: Mapping[str, Any]) -> None:
    check_decisions("hopskipjump", arguments)
    if not 0 < arguments["gamma"] < float("inf"):
        raise UsageError(f"hopskipjump: gamma must be larger than 0, not {arguments['gamma']}")
    if not 1 <= arguments["probes"] <= arguments["most_probes"]:
        raise UsageError(
            "hopskipjump: probes, those of the first step, must be from 1 to most_probes="
            f"{arguments['most_probes']}, not {arguments['probes']}"
        )


@minimal_attack(
    Need.LABELS,
    norms=("L2", "Linf"),
    check=_check,
    passes=lambda given: (given["queries"], 0),
    paper="Chen et al., S&P 2020",
)
def hopskipjump(
    model: Counted,
    x: Tensor,
    goal: Goal,
    geometry: Geometry,
    *,
    queries: int = 5000,
    steps: int = 64,
    probes: int = 100,
    most_probes: int = 10_000,
    gamma: float = 1.0,
    start: Start = "blended",
    tries: int = 100,
    stop: float = 0.0,
    seconds: float | None = None,
    rng: BatchDraws,
) -> Found:
    """Walk along the boundary by jumps along its normal, which decisions about random probes tell.

    ``x`` is a float batch (N, C, H, W) in [0, 1]; the result has its shape: the nearest point asked
    about that reaches the goal. Each image has a budget of ``queries`` and begins at noise (``start``,
    of at most ``tries`` draws). Step t takes ``probes`` * sqrt(t) probes, at most ``most_probes``,
    jumps by the distance over sqrt(t), halved until the goal is reached, and bisects back to the
    boundary. ``gamma`` scales how exactly that is met and how far away probes are. Images whose
    change is at most ``stop`` are finished, and all are after ``seconds``. Chen, Jordan &
    Wainwright, S&P 2020.
    """
    asked = Decisions(model, x, goal, geometry, queries=queries, stop=stop, seconds=seconds)
    rows, z = started(asked, rng, start=start, tries=tries)
    z = z[rows]
    spacing = _spacing(asked, rows, z, gamma)
    z = bisected(asked, rows, z, spacing / _length_of_step(x, geometry))
    for step in range(1, steps + 1):
        count = min(int(probes * step**0.5), most_probes)
        kept = asked.goes_on(rows, count + 1)
        rows, z, spacing = rows[kept], z[kept], spacing[kept]
        if not len(rows):
            break
        radius = (
            x[0].numel() ** 0.5 * spacing if step > 1 else torch.full_like(spacing, FIRST_RADIUS)
        )
        normal = boundary_normal(asked, rows, z, radius, count, rng)
        z = _jumped(asked, rows, z, geometry.steepest(normal, None), step)
        spacing = _spacing(asked, rows, z, gamma)
        z = bisected(asked, rows, z, spacing / _length_of_step(x, geometry))
    return asked.found()


def _spacing(asked: Decisions, rows: Tensor, z: Tensor, gamma: float) -> Tensor:
    """Return by how much probes differ from ``z`` in each element, (n,).

    The published distance over d ** 1.5 is less than float32 can tell from nothing in large images.
    """
    published: Tensor = gamma * asked.size(rows, z) / asked.x[0].numel() ** 1.5
    return published.clamp_min(SEEN * torch.finfo(z.dtype).eps)


def _length_of_step(x: Tensor, geometry: Geometry) -> float:
    """Return how long, in the Euclidean norm, steps of length 1 in the attack's own are at most."""
    return float(geometry.steepest(torch.ones_like(x[:1]), None).norm())


def _jumped(asked: Decisions, rows: Tensor, z: Tensor, direction: Tensor, step: int) -> Tensor:
    """Return points beyond the boundary along ``direction``; ``z`` itself where there are none."""
    length, found = asked.size(rows, z) / step**0.5, z.clone()
    left = torch.arange(len(rows), device=z.device)
    for _ in range(HALVINGS):
        left = left[asked.goes_on(rows[left])]
        if not len(left):
            break
        jump = expanded(length[left], z) * direction[left]
        point = (z[left] + jump).clamp_(0.0, 1.0)
        reached = asked.ask(rows[left], point)
        found[left[reached]] = point[reached]
        left, length = left[~reached], length / 2
    return found
