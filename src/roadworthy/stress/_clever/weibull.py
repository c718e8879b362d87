"""The reverse Weibull distribution by maximum likelihood, for many samples at once.

Its distribution function is exp(-((location - b) / scale) ** shape) below the location, which is the
largest value there can be, and 1 above.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from roadworthy.stress.draws import Floats

Rule = Literal["weibull", "maximum", "constant"]

PENALTY = 0.01
"""Taken off the log-likelihood, times the square of the shape, as in the authors' code: between long
tails, among which the data cannot tell, the shorter one counts."""

POOR = 1e-3
"""Below this Kolmogorov-Smirnov p the fit counts for nothing, as in the authors' code."""

FEWEST = 5
"""Maxima that a distribution of three parameters is fitted to at the least."""

SAME = 1e-5
"""Maxima that differ by less, relative to their size, are the same."""

SHAPES = np.geomspace(1.0, 100.0, 17)
BEYOND = np.geomspace(1e-4, 1e2, 25)
"""Where the likelihood is looked at first: shapes, and how far the location is beyond the largest
value, in units of the range. Below 1 the shape has no maximum likelihood."""

ZOOMS = 16
"""How often the surroundings of the best point are looked at again, twice as fine."""


@dataclass(frozen=True)
class Fit:
    """What the maxima of one sample say of the largest value there can be.

    ``location`` is the fitted one, or under the other rules the sample's maximum; ``p`` is that of
    the Kolmogorov-Smirnov test of the fitted distribution, NaN where none was fitted.
    """

    location: float
    shape: float
    scale: float
    p: float
    rule: Rule


def fitted(sample: Floats) -> Fit:
    """Return the reverse Weibull distribution that fits ``sample`` (n,), all 0 or larger, best.

    The likelihood is looked at over all shapes of 1 to 100 and locations up to 100 ranges beyond the
    maximum; below a shape of 1 it has none. Where the fit is poor (p < 0.001) or there are fewer
    than five values, the rule is ``maximum``; where all values are the same, ``constant``.
    """
    top, spread = float(sample.max()), float(np.ptp(sample))
    if spread <= SAME * top:
        return Fit(top, np.nan, np.nan, np.nan, "constant")
    if len(sample) < FEWEST:
        return Fit(top, np.nan, np.nan, np.nan, "maximum")
    depths, weights = (top - sample) / spread, np.ones((1, len(sample)))
    beyond, shapes = BEYOND, SHAPES
    for _ in range(ZOOMS + 1):
        height, scale = likelihood(depths, weights, beyond, shapes)
        b, c = np.unravel_index(height[:, 0].argmax(), height[:, 0].shape)
        best = float(beyond[b]), float(shapes[c]), float(scale[b, 0, c])
        beyond, shapes = _finer(beyond, int(b), BEYOND), _finer(shapes, int(c), SHAPES)
    location, width = top + best[0] * spread, best[2] * spread
    p = goodness(sample, location, best[1], width)
    if p < POOR:
        return Fit(top, best[1], width, p, "maximum")
    return Fit(location, best[1], width, p, "weibull")


def resampled(sample: Floats, weights: Floats) -> Floats:
    """Return the locations (draws,) fitted to ``sample`` with each row of ``weights`` (draws, n).

    On the first grid alone, with parabolas between its places; never below the largest value of the
    whole sample.
    """
    top, spread = sample.max(), np.ptp(sample)
    height, _ = likelihood((top - sample) / spread, weights, BEYOND, SHAPES)
    _, profile = _peak(height)
    place, _ = _peak(profile.T)
    found: Floats = top + spread * BEYOND[0] * (BEYOND[1] / BEYOND[0]) ** place
    return found


def _peak(values: Floats) -> tuple[Floats, Floats]:
    """Return where and how high the parabola through the best three places of the last axis peaks."""
    best = values.argmax(axis=-1).clip(1, values.shape[-1] - 2)[..., None]
    left, middle, right = (
        np.take_along_axis(values, best + step, axis=-1)[..., 0] for step in (-1, 0, 1)
    )
    bend = np.minimum(left - 2 * middle + right, -1e-9)
    shift = ((left - right) / (2 * bend)).clip(-1, 1)
    return best[..., 0] + shift, middle + shift * (right - left) / 2 + shift**2 * bend / 2


def likelihood(
    depths: Floats, weights: Floats, beyond: Floats, shapes: Floats
) -> tuple[Floats, Floats]:
    """Return the penalised log-likelihood, and the scale at which it is largest, (B, draws, C).

    ``depths`` (n,) are how far values are below the largest, ``weights`` (draws, n) how often each
    counts; ``beyond`` (B,) how far the location is above it. Given location and shape the best scale
    is known: scale ** shape is the mean of (location - value) ** shape.
    """
    logs = np.log(depths + beyond[:, None])
    n, total = weights.sum(1)[:, None], logs @ weights.T
    longest = logs.max(axis=1)[:, None, None]
    powers = np.exp(shapes * (logs[..., None] - longest))
    # a draw without the deepest values may have powers that all round to 0
    mean = np.maximum(weights @ powers / n, np.finfo(float).tiny)
    log_scale = longest + np.log(mean) / shapes
    height = n * (np.log(shapes) - shapes * log_scale) + (shapes - 1) * total[..., None] - n
    return height - PENALTY * shapes**2, np.exp(log_scale)


def goodness(sample: Floats, location: float, shape: float, scale: float) -> float:
    """Return the Kolmogorov-Smirnov p of ``sample`` (n,) under a reverse Weibull distribution.

    By the limit distribution with Stephens' correction for finite n (Journal of the Royal
    Statistical Society B 1970). The distribution was fitted to the same values, so p is generous.
    """
    from scipy.special import kolmogorov  # 0.2 s to import

    n = len(sample)
    below = np.exp(-(((location - np.sort(sample)) / scale) ** shape))
    steps = np.arange(n + 1) / n
    gap = max(float((steps[1:] - below).max()), float((below - steps[:-1]).max()))
    return float(kolmogorov((np.sqrt(n) + 0.12 + 0.11 / np.sqrt(n)) * gap))


def _finer(values: Floats, best: int, whole: Floats) -> Floats:
    """Return nine values around ``values[best]``, two of its neighbours wide, inside ``whole``."""
    step: Any = (values[-1] / values[0]) ** (2 / (len(values) - 1))
    low, high = values[best] / step, values[best] * step
    return np.geomspace(max(low, whole[0]), min(high, whole[-1]), 9)
