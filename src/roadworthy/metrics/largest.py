"""The largest of several paired differences, with an interval that allows for having chosen it."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from roadworthy.metrics.base import Estimate
from roadworthy.metrics.bootstrap import rng_of
from roadworthy.metrics.interval import LEVEL, NORMAL, Floats, estimate, t_quantile

DRAWS = 50_000


def largest_difference(differences: Floats) -> Estimate:
    """Estimate the largest mean of several columns of differences (N, K) in [-1, 1], in points.

    The largest of K means is too large by luck, and the more so the closer they lie together, so
    that its own interval would be wrong. Here every column that may be the largest (within
    sqrt(log N) standard errors of it) counts. The upper end is the largest of their single upper
    bounds, as that of the true one would do. The lower end is the largest of simultaneous lower
    bounds, since the truth is at least each column's; its quantile is such that both ends together
    miss in 5 % of studies if all these columns are alike, from the joint normal distribution of their
    means. Columns are chosen as moment inequalities are (D. Andrews and G. Soares, Econometrica 78
    (2010)); means and errors are those of the adjusted Wald interval with two pseudo-samples (Agresti
    and Min, Statistics in Medicine 24 (2005)).
    """
    n, columns = differences.shape
    if n == 0 or columns == 0:
        return Estimate(None, None, None, n)
    value = float(differences.mean(axis=0).max())
    centres, errors = _adjusted(differences)
    near = _may_be_largest(differences, centres)
    quantile = t_quantile(n + 1)
    lower = _lower_quantile(differences[:, near]) * quantile / NORMAL
    low = float((centres - lower * errors)[near].max())
    high = float((centres + quantile * errors)[near].max())
    return estimate(value, max(-1.0, min(value, low)), min(1.0, max(value, high)), n, scale=100.0)


def _adjusted(differences: Floats) -> tuple[Floats, Floats]:
    """Return centres and standard errors of the adjusted Wald intervals of all columns."""
    n = len(differences)
    centres = differences.sum(axis=0) / (n + 2)
    squares = np.square(differences - centres).sum(axis=0)
    # half an observation in each cell of the paired table, as in `drop`
    squares += ((1 - centres) ** 2 + (1 + centres) ** 2) / 2 + centres**2
    return centres, np.sqrt(squares) / (n + 2)


def _may_be_largest(differences: Floats, centres: Floats) -> NDArray[np.bool_]:
    """Return which columns are so close to the largest that they may be it."""
    n = len(differences)
    leader = int(np.argmax(centres))
    apart = differences[:, [leader]] - differences
    errors = apart.std(axis=0) / math.sqrt(n)
    return np.asarray(apart.mean(axis=0) <= math.sqrt(math.log(max(n, 2))) * errors)


def _lower_quantile(differences: Floats) -> float:
    """Return how many standard errors below its mean the lower bound of each column is.

    If all columns are alike, the upper ends miss where all means are too low; what that leaves of
    the 5 % is for means that are too high.
    """
    if differences.shape[1] == 1:
        return NORMAL
    spread = differences.std(axis=0)
    scaled = (differences - differences.mean(axis=0)) / np.where(spread > 0, spread, np.inf)
    correlation = scaled.T @ scaled / len(differences)
    np.fill_diagonal(correlation, 1.0)  # a column without any spread is independent of the others
    values, vectors = np.linalg.eigh(correlation)
    rng = rng_of("largest", correlation.round(6))
    normals = rng.standard_normal((DRAWS, len(values))) @ (vectors * np.sqrt(values.clip(0))).T
    left = 1 - LEVEL - float((normals.max(axis=1) < -NORMAL).mean())
    return float(np.quantile(normals.max(axis=1), 1 - left))
