"""Evolutionary attack: random steps along the directions that worked, towards the image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from roadworthy.errors import UsageError
from roadworthy.models.counted import Counted
from roadworthy.stress._attacks.decision import Decisions
from roadworthy.stress._attacks.decision_check import check_decisions
from roadworthy.stress._attacks.decision_start import CLOSE, Start, bisected, lengths, started
from roadworthy.stress._attacks.drawn_ahead import DrawnAhead
from roadworthy.stress._attacks.learned import Learned
from roadworthy.stress._attacks.recent import Recent
from roadworthy.stress._norms import Geometry
from roadworthy.stress._norms.base import expanded
from roadworthy.stress.base import minimal_attack
from roadworthy.stress.draws import BatchDraws
from roadworthy.stress.goal import Goal
from roadworthy.stress.watch import Found
from roadworthy.types import Need

TRIALS, EXPECTED = 30, 0.2
"""After so many trials the step ahead grows with the part that worked, or shrinks if it is less."""

LONGEST = 0.5
"""The step ahead over the distance is at most so long."""


def _check(arguments: Mapping[str, Any]) -> None:
    check_decisions("evolutionary", arguments)
    for name in ("mu", "sigma", "c", "decay"):
        if not 0 < arguments[name] < 1:
            raise UsageError(f"evolutionary: {name} must be between 0 and 1, not {arguments[name]}")
    if arguments.get("resolution", 1) < 1:
        raise UsageError(
            "evolutionary: resolution is the side of the grid that steps are drawn on, at least 1, "
            f"not {arguments['resolution']}"
        )


@minimal_attack(
    Need.LABELS,
    norms=("L2",),
    check=_check,
    passes=lambda given: (given["queries"], 0),
    paper="Dong et al., CVPR 2019",
)
def evolutionary(
    model: Counted,
    x: Tensor,
    goal: Goal,
    geometry: Geometry,
    *,
    queries: int = 5000,
    steps: int = 20_000,
    mu: float = 0.01,
    sigma: float = 0.03,
    c: float = 0.001,
    decay: float = 0.99,
    resolution: int | None = None,
    start: Start = "blended",
    tries: int = 100,
    stop: float = 0.0,
    seconds: float | None = None,
    rng: BatchDraws,
) -> Found:
    """Draw steps from a normal distribution that each image fits to the steps that worked for it.

    ``x`` is a float batch (N, C, H, W) in [0, 1]; the result has its shape: the nearest point asked
    about that reaches the goal. Each image has a budget of ``queries`` and begins at noise (``start``,
    of at most ``tries`` draws). ``mu`` is the first step towards the image and ``sigma`` the random
    one, both over the distance; ``c`` is how fast variances are learned, ``decay`` how slowly the
    path of accepted steps is forgotten. ``resolution`` draws steps on a square grid of that side and
    enlarges them. Images whose change is at most ``stop`` are finished, and all are after
    ``seconds``. Dong et al., CVPR 2019.
    """
    asked = Decisions(model, x, goal, geometry, queries=queries, stop=stop, seconds=seconds)
    rows, z = started(asked, rng, start=start, tries=tries)
    z = bisected(asked, rows, z[rows], CLOSE * asked.size(rows, z[rows]))
    ahead, recent = torch.full_like(z[:, 0, 0, 0], mu), Recent(len(x), TRIALS, x.device)
    height, width = (min(resolution or side, side) for side in x.shape[2:])
    learned = Learned.begun(z.new_zeros((len(z), x.shape[1], height, width)))
    noise = DrawnAhead(rng, (2, learned.moved), z)
    for _ in range(steps):
        kept = asked.goes_on(rows)
        if not kept.all():
            rows, z, ahead, learned = rows[kept], z[kept], ahead[kept], learned.at(kept)
        if not len(rows):
            break
        drawn = learned.drawn(noise.next(rows))
        point = _proposed(asked.at(rows).x, z, drawn, ahead, sigma)
        accepted = asked.ask(rows, point)
        z = torch.where(expanded(accepted, z), point, z)
        learned.learn(drawn, accepted, c=c, decay=decay)
        recent.add(rows, accepted)
        rate = recent.rate(rows)
        recent.clear(rows[~rate.isnan()])
        ahead = (ahead * (rate - EXPECTED).exp().nan_to_num(1.0)).clamp_max(LONGEST)
    return asked.found()


def _proposed(x: Tensor, z: Tensor, drawn: Tensor, ahead: Tensor, sigma: float) -> Tensor:
    """Return points nearer to ``x``, moved aside by ``drawn`` at the distance they are then at."""
    away = z - x
    if drawn.shape != x.shape:
        drawn = functional.interpolate(
            drawn, size=x.shape[2:], mode="bilinear", align_corners=False
        )
    distance, nearer = lengths(away), 1 - expanded(ahead, x)
    moved = away.mul_(nearer).add_(sigma * distance / lengths(drawn) * drawn)
    return moved.mul_(nearer * distance / lengths(moved)).add_(x).clamp_(0.0, 1.0)
