"""Accuracy of the worst class."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import polars as pl

from roadworthy.metrics.base import Estimate, Rows, metric
from roadworthy.metrics.classes import ByClass, by_class
from roadworthy.metrics.clusters import cluster, verdicts
from roadworthy.metrics.interval import LEVEL, NORMAL, Floats, estimate, wilson
from roadworthy.metrics.samples import by_sample

CAUTION = 1.5
WIDEST = 8.0
"""Quantile beyond which nothing is looked for."""
MOST_LOOKS = 100


def of_worst(rows: Rows) -> pl.DataFrame | None:
    """Return sample and value: the accuracy of the worst class, plus each sample's influence on it."""
    data = cluster(verdicts(rows, "correct"), rows)
    if not data.size:
        return None
    classes = by_class(rows)
    worst = int(np.argmin(classes.share))
    own = data["label"] == classes.label[worst]
    share = float(classes.share[worst])
    influence = data.sums(np.where(own, data["correct"] - share, 0.0)) * data.size / own.sum()
    return by_sample(data.samples, share + influence)


@metric(
    unit="percent",
    direction="higher",
    headline=False,
    paper="chernozhukov2013",
    contributions=of_worst,
)
def worst_class_top1(rows: Rows) -> Estimate | None:
    """Top-1 accuracy of the class with the lowest one, in percent: 100 · min over classes.

    The smallest of several noisy values is too small on average, so the interval is not that of
    the class that came out worst: it runs from the lowest lower to the lowest upper Wilson bound
    over all classes. The upper quantile is set such that, for the gaps between classes as observed
    (less 1.5 standard errors), the two together miss in 5 % of cases. With a few classes nearly
    tied this holds; with ten exactly tied the interval still lies too low in about one case in
    ten. Clusters are samples. Few samples a class make it wide. None where nothing was judged by
    its label. Chernozhukov, Lee and Rosen, "Intersection bounds: estimation and inference",
    Econometrica 81 (2013).
    """
    classes = by_class(rows)
    n = int(classes.n.sum())
    if not n:
        return Estimate(None, None, None, 0) if rows.is_empty() else None
    hits, wider = classes.share * classes.size, classes.quantile / NORMAL
    low = wilson(hits, classes.size, quantile=NORMAL * wider)[0].min()
    high = wilson(hits, classes.size, quantile=_upper_quantile(classes) * wider)[1].min()
    return estimate(float(classes.share.min()), float(low), float(high), n, scale=100.0)


def _upper_quantile(classes: ByClass) -> float:
    from scipy.special import ndtr

    smoothed = (classes.share * classes.size + 1) / (classes.size + 2)
    error = np.sqrt(smoothed * (1 - smoothed) / classes.size)
    worst = int(np.argmin(classes.share))
    gap = (classes.share - classes.share[worst]) / error
    gap = np.maximum(gap - CAUTION * np.hypot(1, error[worst] / error), 0)
    too_high = float(np.prod(ndtr(gap - NORMAL)))  # every lower bound above the worst class

    allowed = 1 - LEVEL - too_high
    if allowed <= 0:
        return WIDEST

    def too_low(quantile: float) -> float:  # log of the chance of some upper bound below it
        tails: Floats = np.log1p(-ndtr(-(quantile + gap)))
        return math.log(-float(np.expm1(tails.sum())))

    return _falls_to(math.log(allowed), too_low, 1.0, WIDEST)


def _falls_to(least: float, falling: Callable[[float], float], below: float, above: float) -> float:
    """Return where a falling function comes down to ``least``, or the nearer end, by regula falsi.

    The Illinois rule halves what an end counts that stays twice: a few looks do for forty bisections.
    """
    over, under = falling(below) - least, falling(above) - least
    if over <= 0 or under >= 0:
        return below if over <= 0 else above
    before, middle, side = below, above, 0
    for _ in range(MOST_LOOKS):
        if abs(middle - before) <= 1e-12:
            break
        before, middle = middle, (below * under - above * over) / (under - over)
        found = falling(middle) - least
        if found > 0:
            below, over = middle, found
            under /= 1 + (side > 0)
        else:
            above, under = middle, found
            over /= 1 + (side < 0)
        side = 1 if found > 0 else -1
    return middle
