"""Boundary attack: a random walk along the decision boundary, towards the image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from roadworthy.errors import UsageError
from roadworthy.models.counted import Counted
from roadworthy.stress._attacks.decision import Decisions
from roadworthy.stress._attacks.decision_check import check_decisions
from roadworthy.stress._attacks.decision_start import CLOSE, Start, bisected, lengths, started
from roadworthy.stress._attacks.drawn_ahead import DrawnAhead
from roadworthy.stress._attacks.recent import Recent
from roadworthy.stress._norms import Geometry
from roadworthy.stress._norms.base import expanded
from roadworthy.stress.base import minimal_attack
from roadworthy.stress.draws import BatchDraws
from roadworthy.stress.goal import Goal
from roadworthy.stress.watch import Found
from roadworthy.types import Need

MEASURED = 10
"""Every so many steps it is noted what works, which takes a query more."""

SPHERICAL, STEPS = 100, 30
"""Notes after which both step sizes, and that towards the image alone, may change."""


def _check(arguments: Mapping[str, Any]) -> None:
    check_decisions("boundary", arguments)
    for name in ("spherical_step", "source_step"):
        if not 0 < arguments[name] < 1:
            raise UsageError(
                f"boundary: {name} is a part of the distance, between 0 and 1, not {arguments[name]}"
            )
    if not 1 < arguments["adaptation"] < float("inf"):
        raise UsageError(
            f"boundary: adaptation must be larger than 1, not {arguments['adaptation']}"
        )


@minimal_attack(
    Need.LABELS,
    norms=("L2",),
    check=_check,
    passes=lambda given: (given["queries"], 0),
    paper="Brendel et al., ICLR 2018",
)
def boundary(
    model: Counted,
    x: Tensor,
    goal: Goal,
    geometry: Geometry,
    *,
    queries: int = 5000,
    steps: int = 25_000,
    spherical_step: float = 0.01,
    source_step: float = 0.01,
    adaptation: float = 1.5,
    smallest_step: float = 1e-7,
    start: Start = "blended",
    tries: int = 100,
    stop: float = 0.0,
    seconds: float | None = None,
    rng: BatchDraws,
) -> Found:
    """Step aside at random at the same distance, then towards the image, if that reaches the goal.

    ``x`` is a float batch (N, C, H, W) in [0, 1]; the result has its shape: the nearest point asked
    about that reaches the goal. Each image has a budget of ``queries`` and begins at noise (``start``,
    of at most ``tries`` draws). ``spherical_step`` and ``source_step`` are the lengths of the two steps
    over the distance; each image multiplies or divides them by ``adaptation`` as often as they
    work more or less than they should. Images whose change is at most ``stop``, or whose source step
    falls below ``smallest_step``, are finished, and all are after ``seconds``. Brendel, Rauber &
    Bethge, ICLR 2018.
    """
    asked = Decisions(model, x, goal, geometry, queries=queries, stop=stop, seconds=seconds)
    rows, z = started(asked, rng, start=start, tries=tries)
    z = bisected(asked, rows, z[rows], CLOSE * asked.size(rows, z[rows]))
    aside, ahead = (torch.full_like(z[:, 0, 0, 0], s) for s in (spherical_step, source_step))
    on_sphere = Recent(len(x), SPHERICAL, x.device)
    nearer = Recent(len(x), STEPS, x.device)
    noise = DrawnAhead(rng, tuple(x.shape[1:]), z)
    for step in range(1, steps + 1):
        measured = step % MEASURED == 0
        kept = asked.goes_on(rows, 1 + measured) & (ahead >= smallest_step)
        if not kept.all():
            rows, z, aside, ahead = rows[kept], z[kept], aside[kept], ahead[kept]
        if not len(rows):
            break
        sphere, point = _proposed(asked.at(rows).x, z, aside, ahead, noise.next(rows))
        if measured:
            on_sphere.add(rows, asked.ask_about(rows, sphere[None])[0])
        accepted = asked.ask(rows, point)
        z = torch.where(expanded(accepted, z), point, z)
        if measured:
            nearer.add(rows, accepted)
            change = _changed(on_sphere, rows, adaptation, low=0.2, high=0.5)
            aside = aside * change
            ahead = ahead * change * _changed(nearer, rows, adaptation, low=0.1, high=0.25)
    return asked.found()


def _proposed(
    x: Tensor, z: Tensor, aside: Tensor, ahead: Tensor, noise: Tensor
) -> tuple[Tensor, Tensor]:
    """Return points as far from ``x`` as ``z``, random steps aside, and these moved towards ``x``.

    A step of length ``aside`` times the distance, at right angles to the way to the image, leaves the
    sphere around it; the point is put back. Clipping may bring it nearer still, by which the step
    ahead is shorter.
    """
    away = z - x
    distance, turned = lengths(away), noise * away
    along = turned.sum((1, 2, 3), keepdim=True) / distance.square()
    torch.sub(noise, torch.mul(along, away, out=turned), out=turned)
    relative = expanded(aside, x)
    turned.mul_(relative * distance / lengths(turned)).add_(away)
    sphere = turned.div_((1 + relative.square()).sqrt()).add_(x).clamp_(0.0, 1.0)
    back = torch.sub(sphere, x, out=away)
    length = ((1 - expanded(ahead, x)) * distance / lengths(back)).clamp_max(1.0)
    return sphere, back.mul_(length).add_(x).clamp_(0.0, 1.0)


def _changed(recent: Recent, rows: Tensor, adaptation: float, *, low: float, high: float) -> Tensor:
    """Return by what to multiply steps that work too often or too seldom, (n,); those begin anew."""
    rate = recent.rate(rows)
    recent.clear(rows[(rate > high) | (rate < low)])
    factor = torch.ones_like(rate)
    return torch.where(rate > high, adaptation, torch.where(rate < low, 1 / adaptation, factor))
