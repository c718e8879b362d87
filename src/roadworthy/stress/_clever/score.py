"""From the largest slopes near an image to its CLEVER score."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from roadworthy.stress._clever.weibull import Fit, Rule, fitted, resampled
from roadworthy.stress.draws import Draws, Floats

RESAMPLES = 200
"""Samples of maxima that the interval is made of."""

CONTENDERS = 3
"""Nearest targets whose maxima are resampled: for others to become the nearest takes too much."""

ENDS = (0.025, 0.975)
"""Between which shares of them it lies."""


@dataclass(frozen=True)
class Score:
    """A CLEVER score with what can be said of it; ``nearest`` is the place of its target.

    ``value`` is at most the radius. ``low`` and ``high`` are None unless the rule is ``weibull``.
    ``half`` is the score from half the radius, at most all of it: cut at half, scores that reach
    further would pass for slopes that were missed. ``p`` and ``rule`` say how the maxima
    were read, see `Fit`. ``flat`` says that no gradient towards some target was other than 0.
    """

    value: float
    low: float | None
    high: float | None
    half: float
    p: float | None
    rule: Rule
    nearest: int
    flat: bool


def score(leads: Floats, whole: Floats, half: Floats, radius: float, draws: Draws) -> Score | None:
    """Return the smallest score over the targets, of an image that is ahead of them by ``leads`` (T,).

    ``whole`` (T, batches) are its maxima, ``half`` those of the first batches at half the radius.
    None where any of them is not finite. The interval is the middle 95 % of what 200 samples of the
    batches give, drawn with replacement, the same for the three nearest targets.
    """
    if not (np.isfinite(whole).all() and np.isfinite(half).all()):
        return None
    fits = [fitted(row) for row in whole]
    slopes = np.array([fit.location for fit in fits])
    values = _reach(leads, slopes, radius)
    nearest = int(values.argmin())
    fit = fits[nearest]
    low, high = _interval(leads, whole, fits, radius, draws)
    value, known = float(values[nearest]), fit.rule == "weibull"
    shrunk = slopes * _ratio(half, whole[:, : half.shape[1]])
    return Score(
        value,
        min(low, value) if known else None,
        max(high, value) if known else None,
        float(_reach(leads, shrunk, radius).min()),
        None if np.isnan(fit.p) else fit.p,
        fit.rule,
        nearest,
        bool((whole.max(axis=1) == 0).any()),
    )


def _reach(leads: Floats, slopes: Floats, radius: float) -> Floats:
    """Return how far an image has to move along the slopes until its leads are gone."""
    with np.errstate(divide="ignore", invalid="ignore"):
        far = np.where(slopes > 0, leads.clip(min=0) / slopes, radius)
    return far.clip(max=radius)


def _ratio(half: Floats, whole: Floats) -> Floats:
    """Return the maxima at half the radius over those of the same directions at all of it."""
    there = whole.sum(axis=1)
    return np.where(there > 0, half.sum(axis=1) / np.where(there > 0, there, 1), 1.0)


def _interval(
    leads: Floats, whole: Floats, fits: list[Fit], radius: float, draws: Draws
) -> tuple[float, float]:
    n = whole.shape[1]
    chosen = draws.integers(0, n, (RESAMPLES, n))
    weights = np.stack([np.bincount(row, minlength=n) for row in chosen]).astype(float)
    slopes = np.tile([fit.location for fit in fits], (RESAMPLES, 1))
    for target in _reach(leads, slopes[0], radius).argsort(kind="stable")[:CONTENDERS]:
        if fits[target].rule == "weibull":
            slopes[:, target] = resampled(whole[target], weights)
    values = _reach(leads, slopes, radius).min(axis=1)
    low, high = np.quantile(values, ENDS)
    return float(low), float(high)
