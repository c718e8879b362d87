"""One number for several severities or budgets: mean error, and area under the curve."""

from __future__ import annotations

import numpy as np

from roadworthy.baselines.base import SEVERITIES
from roadworthy.metrics.attacked import norm_of
from roadworthy.metrics.base import Estimate, Rows, metric
from roadworthy.metrics.robustness import area
from roadworthy.metrics.samples import bounded_mean, errors_by_severity, side_by_side


@metric(unit="percent", direction="lower", paper="hendrycks2019")
def mean_error(rows: Rows) -> Estimate | None:
    """Percent of wrong predictions, meant over the severities of a corruption: 100 · mean(error).

    Not divided by the errors of any other network; published tables also call this number mCE. Over
    the samples that have all severities; interval clustered by sample. None unless there are
    several severities. Hendrycks and Dietterich, "Benchmarking neural network robustness to common
    corruptions and perturbations", ICLR 2019.
    """
    found = errors_by_severity(rows)
    if len(found) < 2:
        return None
    wrong = side_by_side(list(found.values()))
    return bounded_mean(100 * wrong.mean(axis=1), low=0.0, high=100.0) if wrong.size else None


@metric(unit="percent", direction="higher")
def curve_area(rows: Rows) -> Estimate | None:
    """Area under a curve of accuracy, in percent of the area of perfect accuracy.

    Corruptions: top-1 over severity 1 to 5 by the trapezoidal rule; None unless all five were
    judged. Attacks: robust top-1 over the budget. If they look for the smallest change, from 0 to
    an end that is Linf 16/255, on frames of up to 64 pixels L2 2, L1 24 and L0 100 elements, on
    larger ones L2 5, L1 100 and L0 500: the mean of the distances, which count as 0 for clean
    errors and stop at the end. With several fixed budgets by the trapezoidal rule from 0, where
    accuracy is clean, to the largest of them; None for a single one. Over the samples that have all
    severities or budgets; interval clustered by sample.
    """
    if norm_of(rows) is not None:
        return area(rows)
    found = errors_by_severity(rows)
    if tuple(found) != SEVERITIES:
        return None
    right = 1 - side_by_side(list(found.values()))
    weights = np.array([0.5, 1.0, 1.0, 1.0, 0.5]) / 4
    return bounded_mean(100 * right @ weights, low=0.0, high=100.0) if right.size else None
