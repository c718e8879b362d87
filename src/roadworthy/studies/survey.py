"""The survey's question: how does the change that suffices depend on accuracy, over models?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from roadworthy.metrics.bootstrap import rng_of
from roadworthy.metrics.interval import LEVEL, Floats
from roadworthy.studies.line import FEWEST, Mask, frontier, leverages, lines, stand_out
from roadworthy.studies.population import Population, Statistic, draws

Interval = tuple[float | None, float | None]
NO_INTERVAL: Interval = (None, None)


@dataclass(frozen=True)
class Point:
    """One model: accuracy in [0, 1], x = ln(1 - accuracy), y = the change, and its place in the fit.

    ``success`` is the share of ``n`` attacked images on which the goal was reached. ``x`` and ``y``
    are None where they are not finite.
    """

    model: str
    accuracy: float | None
    x: float | None
    y: float | None
    success: float | None
    n: int
    frontier: bool
    leverage: float | None
    stands_out: bool


@dataclass(frozen=True)
class Fit:
    """A line through all models or those on the frontier, perhaps without those that stand out.

    Intervals of the slope are 95 %, by resampling images or models; ``left_out`` has the slope
    without each model. Where there is no line ``reason`` says why.
    """

    over: str
    models: tuple[str, ...]
    slope: float | None = None
    intercept: float | None = None
    r2: float | None = None
    images: Interval = NO_INTERVAL
    resampled: Interval = NO_INTERVAL
    left_out: Mapping[str, float | None] = field(default_factory=dict)
    reason: str = ""


@dataclass(frozen=True)
class Study:
    """What one attack says of several models, by the ``statistic`` of its changes."""

    statistic: Statistic
    points: tuple[Point, ...]
    fits: tuple[Fit, ...]


def study(found: Population, statistic: Statistic, *, count: int = 1000) -> Study:
    """Relate the change that suffices to the logarithm of the error, over the models of a population.

    Ordinary least squares over all models and over the frontier, those that no other beats in
    accuracy and in change; both again without the models whose leverage is more than twice the mean.
    In every one of ``count`` resamples the frontier is found anew; models that stand out stay the
    same. Su et al., "Is robustness the cost of accuracy?", ECCV 2018.
    """
    accuracy, y = _measured(found, statistic, np.ones((1, found.images)))
    clouds = _clouds(found, statistic, count)
    everyone = np.ones(len(found.models), bool)
    edge = frontier(accuracy[0], y[0], everyone)
    x = _log_error(accuracy[0])
    weight, success = leverages(np.where(np.isfinite(y[0]), x, np.nan)), found.successes()
    apart = _apart(x, y[0], everyone)
    fits = []
    for over, members, on_edge in (("all models", everyone, False), ("the frontier", edge, True)):
        fits.append(_fit(found.models, accuracy[0], y[0], clouds, everyone, on_edge, over))
        alone = _apart(x, y[0], members)
        if alone.any() and fits[-1].slope is not None:
            named = f"{over} but those that stand out"
            kept = ~alone
            fits.append(_fit(found.models, accuracy[0], y[0], clouds, kept, on_edge, named))
    points = tuple(
        Point(
            model=model,
            accuracy=_real(accuracy[0, m]),
            x=_real(x[m]),
            y=_real(y[0, m]),
            success=_real(success[m]),
            n=int((~np.isnan(found.distance[:, m])).sum()),
            frontier=bool(edge[m]),
            leverage=_real(weight[m]),
            stands_out=bool(apart[m]),
        )
        for m, model in enumerate(found.models)
    )
    return Study(statistic, points, tuple(fits))


def _fit(
    models: tuple[str, ...],
    accuracy: Floats,
    y: Floats,
    clouds: tuple[Floats, Floats],
    kept: Mask,
    on_edge: bool,
    over: str,
) -> Fit:
    def slopes(a: Floats, d: Floats, weights: Floats) -> Floats:
        chosen = weights * frontier(a, d, weights > 0) if on_edge else weights
        return lines(_log_error(a), d, chosen).slope

    members = frontier(accuracy, y, kept) if on_edge else kept & np.isfinite(y)
    members = members & np.isfinite(_log_error(accuracy))
    names = tuple(model for model, chosen in zip(models, members, strict=True) if chosen)
    whole = lines(_log_error(accuracy), y, members.astype(float))
    if not np.isfinite(whole.slope):
        return Fit(over, names, reason=_why(accuracy, y, kept, members))
    rng = rng_of("models", accuracy, y)
    again = np.concatenate(list(draws(len(models), rng=rng, count=len(clouds[0]))))
    one_less = ~np.eye(len(models), dtype=bool)[members] & kept
    return Fit(
        over,
        names,
        slope=float(whole.slope),
        intercept=float(whole.intercept),
        r2=_real(float(whole.r2)),
        images=_interval(slopes(*clouds, kept.astype(float)), around=float(whole.slope)),
        resampled=_interval(slopes(accuracy, y, again * kept)),
        left_out=dict(
            zip(names, map(_real, slopes(accuracy, y, one_less.astype(float))), strict=True)
        ),
    )


def _why(accuracy: Floats, y: Floats, kept: Mask, members: Mask) -> str:
    count, known = int(members.sum()), kept & np.isfinite(y) & np.isfinite(accuracy)
    if count < FEWEST:
        text = f"a line needs {FEWEST} models, there {'is' if count == 1 else 'are'} {count}"
        infinite = int((kept & ~np.isfinite(y)).sum())
        perfect = int((known & (accuracy >= 1)).sum())
        text += f"; {infinite} more whose change is unknown or infinite" if infinite else ""
        return text + (f"; {perfect} more without any error" if perfect else "")
    return f"all {count} models have the same accuracy"


def _apart(x: Floats, y: Floats, members: Mask) -> Mask:
    return stand_out(np.where(members & np.isfinite(y), x, np.nan))


def _clouds(found: Population, statistic: Statistic, count: int) -> tuple[Floats, Floats]:
    """Return accuracy and change of each model in each resample of images, (D, M) each."""
    rng = rng_of("images", found.right, found.distance)
    parts = [_measured(found, statistic, w) for w in draws(found.images, rng=rng, count=count)]
    accuracy, y = (np.concatenate(column) for column in zip(*parts, strict=True))
    return accuracy, y


def _measured(found: Population, statistic: Statistic, weights: Floats) -> tuple[Floats, Floats]:
    return found.accuracies(weights), found.distances(weights, statistic)


def _log_error(accuracy: Floats) -> Floats:
    with np.errstate(divide="ignore"):
        x: Floats = np.log1p(-accuracy)
    return x


def _interval(values: Floats, *, around: float | None = None) -> Interval:
    """Return the percentile interval, or its reflection ``around`` an estimate that is biased.

    Few images make accuracies uncertain, which flattens a line, and that of a resample once more:
    reflected intervals cover 91 to 95 %, the others down to 70. There is none where less than half
    of the resamples have a line.
    """
    finite = values[np.isfinite(values)]
    if 2 * finite.size < values.size or finite.size < 2:
        return NO_INTERVAL
    low, high = np.quantile(finite, [0.5 - LEVEL / 2, 0.5 + LEVEL / 2])
    if around is not None:
        low, high = 2 * around - high, 2 * around - low
    return float(low), float(high)


def _real(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
