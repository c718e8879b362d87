"""CLEVER: how far away the nearest boundary is, estimated from the steepest slope nearby."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from roadworthy.errors import UsageError
from roadworthy.models.counted import Counted
from roadworthy.stress._attacks.boundaries import clean_goal, most_likely
from roadworthy.stress._clever.maxima import Maxima, Plan, Sampling, halved, maxima
from roadworthy.stress._clever.score import Score, score
from roadworthy.stress._norms import Geometry
from roadworthy.stress.base import probe
from roadworthy.stress.draws import BatchDraws
from roadworthy.stress.goal import Goal
from roadworthy.stress.measured import Measured
from roadworthy.types import Need

RADII = {"L2": 5.0, "Linf": 0.1, "L1": 30.0}
"""Radii where none is given: the paper's, and under the other norms that of the authors' code."""

SAMPLING: dict[str, Sampling] = {"L2": "ray", "L1": "ray", "Linf": "ball"}
"""How points are drawn where nothing is said: as in the authors' code. In high dimension nearly all of
a ball lies at its rim, and slopes near the image are missed where the radius is large."""


def _check(arguments: Mapping[str, Any]) -> None:
    for name in ("batches", "draws", "candidates"):
        if arguments[name] < 1:
            raise UsageError(f"clever: {name} must be at least 1, not {arguments[name]}")
    radius = arguments.get("radius")
    if radius is not None and not 0 < radius < float("inf"):
        raise UsageError(
            f"clever: radius is the size of a ball, pixels in 0 to 1, larger than 0, not {radius}"
        )


def _passes(given: Mapping[str, Any]) -> tuple[int, int]:
    points = (given["batches"] + halved(given["batches"])) * given["draws"]
    return points, points * (given["candidates"] if given["target"] == "none" else 1)


@probe(
    Need.GRADIENT,
    norms=("L2", "Linf", "L1"),
    version=2,
    check=_check,
    passes=_passes,
    paper="Weng et al., ICLR 2018",
)
def clever(
    model: Counted,
    x: Tensor,
    goal: Goal,
    geometry: Geometry,
    *,
    batches: int = 500,
    draws: int = 1024,
    radius: float | None = None,
    candidates: int = 10,
    sampling: Sampling | None = None,
    rng: BatchDraws,
) -> Measured:
    """Estimate the distance to the nearest boundary as lead over steepest slope, up to ``radius``.

    ``x`` is a float batch (N, C, H, W) in [0, 1], right when clean. Slopes are the dual norms of
    the gradient of z_label - z_target at points drawn from the ball of ``radius`` (by default 5
    under L2, 0.1 under Linf, 30 under L1), clipped to the box: ``sampling=ball`` draws them
    uniformly, ``ray`` a direction and a uniform distance, which is the default under L2 and L1.
    To the largest slope of each of ``batches`` batches of ``draws`` points a reverse Weibull
    distribution is fitted; where it ends is the steepest slope. Without a target the score is the
    smallest over the ``candidates`` most likely other classes, which share their points. An
    estimate, no certificate: masked gradients inflate it. Weng et al., ICLR 2018.
    """
    logits = clean_goal(model, x, goal).clean
    assert logits is not None
    targets = goal.targets[:, None] if goal.targets is not None else None
    if targets is None:
        targets = most_likely(logits, goal.labels, candidates)
    size = RADII[geometry.name] if radius is None else float(radius)
    plan = Plan(geometry, size, batches, draws, sampling or SAMPLING[geometry.name])
    found = maxima(model, x, goal.labels, targets, plan, rng)
    leads = logits.gather(1, goal.labels[:, None]) - logits.gather(1, targets)
    scores = _scores(leads, found, size, rng)
    return _measured(scores, targets)


def _scores(leads: Tensor, found: Maxima, radius: float, rng: BatchDraws) -> list[Score | None]:
    ahead, whole, half = (p.double().cpu().numpy() for p in (leads, found.whole, found.half))
    rows = zip(ahead, whole, half, rng.each, strict=True)
    return [score(lead, w, h, radius, draws) for lead, w, h, draws in rows]


def _measured(scores: list[Score | None], targets: Tensor) -> Measured:
    classes = targets.tolist()
    near = [None if s is None else c[s.nearest] for s, c in zip(scores, classes, strict=True)]

    def column(name: str) -> list[Any]:
        return [None if s is None else getattr(s, name) for s in scores]

    flags = [["nan_gradient"] if s is None else ["zero_gradient"] * s.flat for s in scores]
    columns = {
        "clever": column("value"),
        "clever_low": column("low"),
        "clever_high": column("high"),
        "clever_half": column("half"),
        "clever_p": column("p"),
        "clever_rule": column("rule"),
        "clever_class": near,
    }
    return Measured(columns, flags)
