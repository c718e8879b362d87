"""One number for several severities: mean error, and area under the curve of accuracy."""

from __future__ import annotations

import numpy as np

from roadworthy.baselines.base import SEVERITIES
from roadworthy.metrics.base import Estimate, Rows, metric
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
    """Area under top-1 accuracy over severity 1 to 5, in percent of the area of perfect accuracy.

    By the trapezoidal rule: the accuracies at severities 2, 3 and 4 count whole, those at both ends
    half, divided by 4. Over the samples that have all severities; interval clustered by sample.
    None unless all five severities were judged.
    """
    found = errors_by_severity(rows)
    if tuple(found) != SEVERITIES:
        return None
    right = 1 - side_by_side(list(found.values()))
    weights = np.array([0.5, 1.0, 1.0, 1.0, 0.5]) / 4
    return bounded_mean(100 * right @ weights, low=0.0, high=100.0) if right.size else None
