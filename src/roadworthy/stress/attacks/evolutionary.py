"""Evolutionary attack: random steps along the directions that worked, towards the image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from roadworthy.errors import UsageError
from roadworthy.models.counted import Counted
from roadworthy.stress._attacks.decision import Decisions, check_decisions
from roadworthy.stress._attacks.decision_start import CLOSE, Start, bisected, started
from roadworthy.stress._attacks.drawn_ahead import DrawnAhead
from roadworthy.stress._attacks.recent import Recent
from roadworthy.stress._norms import Geometry
from roadworthy.stress._norms.base import expanded
from roadworthy.stress.base import minimal_attack
from roadworthy.stress.draws import BatchDraws
from roadworthy.stress.goal import Goal
from roadworthy.stress.watch import Found
from roadworthy.types import Need

MOVED = 20
"""A step moves one coordinate in so many."""

TRIALS, EXPECTED = 30, 0.2
"""After so many trials the step ahead grows with the part that worked, or shrinks if it is less."""

LONGEST = 0.5
"""The step ahead over the distance is at most so long."""


def _check(arguments: Mapping[str, Any]) -> None:
    check_decisions("evolutionary")(arguments)
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
    rng: BatchDraws,
) -> Found:
    """Draw steps from a normal distribution that each image fits to the steps that worked for it.

    ``x`` is a float batch (N, C, H, W) in [0, 1]; the result has its shape: the nearest point asked
    about that reaches the goal. Each image has a budget of ``queries`` and begins at noise (``start``,
    of at most ``tries`` draws). ``mu`` is the first step towards the image and ``sigma`` the random
    one, both over the distance; ``c`` is how fast variances are learned, ``decay`` how slowly the
    path of accepted steps is forgotten. ``resolution`` draws steps on a square grid of that side and
    enlarges them. Images whose change is at most ``stop`` are finished. Dong et al., CVPR 2019.
    """
    asked = Decisions(model, x, goal, geometry, queries=queries, stop=stop)
    rows, z = started(asked, rng, start=start, tries=tries)
    z = bisected(asked, rows, z[rows], CLOSE * asked.size(rows, z[rows]))
    ahead, recent = torch.full_like(z[:, 0, 0, 0], mu), Recent(len(x), TRIALS, x.device)
    height, width = (min(resolution or side, side) for side in x.shape[2:])
    learned = _Learned.begun(z.new_zeros((len(z), x.shape[1], height, width)))
    noise = DrawnAhead(rng, (2, learned.moved), z)
    for _ in range(steps):
        kept = asked.goes_on(rows)
        if not kept.all():
            rows, z, ahead, learned = rows[kept], z[kept], ahead[kept], learned.at(kept)
        if not len(rows):
            break
        drawn = learned.drawn(noise.next(rows))
        point = _proposed(asked.x[rows], z, drawn, ahead, sigma)
        accepted = asked.ask(rows, point)
        z = torch.where(expanded(accepted, z), point, z)
        learned.learn(drawn, accepted, c=c, decay=decay)
        recent.add(rows, accepted)
        rate = recent.rate(rows)
        recent.clear(rows[~rate.isnan()])
        ahead = (ahead * (rate - EXPECTED).exp().nan_to_num(1.0)).clamp_max(LONGEST)
    return asked.found()


@dataclass(frozen=True)
class _Learned:
    """The variance of every coordinate and the path of steps that worked, (n, C, height, width)."""

    variance: Tensor
    path: Tensor

    @staticmethod
    def begun(path: Tensor) -> _Learned:
        return _Learned(torch.ones_like(path), path)

    @property
    def moved(self) -> int:
        """How many coordinates a step draws."""
        return max(1, self.path.shape[1:].numel() // MOVED)

    def at(self, kept: Tensor) -> _Learned:
        return _Learned(self.variance[kept], self.path[kept])

    def drawn(self, noise: Tensor) -> Tensor:
        """Return the steps that ``noise`` (n, 2, moved) makes of some coordinates.

        Coordinates are drawn as their variances say; one that is drawn twice moves twice.
        """
        variance = self.variance.flatten(1)
        share, length = noise.unbind(1)
        until = variance.cumsum(1)
        sought = torch.special.ndtr(share) * until[:, -1:]
        chosen = torch.searchsorted(until, sought, right=True).clamp_max(variance.shape[1] - 1)
        length = length * variance.gather(1, chosen).sqrt()
        return torch.zeros_like(variance).scatter_add_(1, chosen, length).view(self.path.shape)

    def learn(self, drawn: Tensor, accepted: Tensor, *, c: float, decay: float) -> None:
        """Note steps ``drawn`` that were accepted."""
        if not accepted.any():
            return
        path = decay * self.path[accepted] + (1 - decay**2) ** 0.5 * drawn[accepted]
        self.path[accepted] = path
        self.variance[accepted] = (1 - c) * self.variance[accepted] + c * path.square()


def _proposed(x: Tensor, z: Tensor, drawn: Tensor, ahead: Tensor, sigma: float) -> Tensor:
    """Return points nearer to ``x``, moved aside by ``drawn`` at the distance they are then at."""
    away = z - x
    if drawn.shape != x.shape:
        drawn = functional.interpolate(
            drawn, size=x.shape[2:], mode="bilinear", align_corners=False
        )
    distance, nearer = _lengths(away), 1 - expanded(ahead, x)
    moved = nearer * away + sigma * distance / _lengths(drawn) * drawn
    return (x + nearer * distance / _lengths(moved) * moved).clamp_(0.0, 1.0)


def _lengths(vectors: Tensor) -> Tensor:
    return expanded(vectors.flatten(1).norm(dim=1).clamp_min(1e-30), vectors)
