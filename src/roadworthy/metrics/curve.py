"""One number for several severities or budgets: mean error, and area under the curve."""

from __future__ import annotations

import numpy as np
import polars as pl

from roadworthy.baselines.base import SEVERITIES
from roadworthy.metrics.attacked import norm_of
from roadworthy.metrics.base import Estimate, Rows, metric
from roadworthy.metrics.interval import Floats
from roadworthy.metrics.robustness import areas
from roadworthy.metrics.samples import (
    aligned,
    bounded_mean,
    by_sample,
    errors_by_severity,
    severities,
)
from roadworthy.metrics.seen import once


def errors_of(rows: Rows) -> pl.DataFrame | None:
    """Return sample and value: the share of severities that are wrong; None unless there are several."""
    if len(severities(rows)) < 2:
        return None
    if len(errors_by_severity(rows)) < 2:
        return None
    samples, wrong = _levels(rows)
    return by_sample(samples, wrong.mean(axis=1))


def areas_of(rows: Rows) -> pl.DataFrame | None:
    """Return sample and value: the area under the curve of each sample, as a share of the largest."""
    if norm_of(rows) is not None:
        return areas(rows)
    if tuple(severities(rows)) != SEVERITIES:
        return None
    if tuple(errors_by_severity(rows)) != SEVERITIES:
        return None
    samples, wrong = _levels(rows)
    return by_sample(samples, (1 - wrong) @ (np.array([0.5, 1.0, 1.0, 1.0, 0.5]) / 4))


def _levels(rows: Rows) -> tuple[pl.Series, Floats]:
    """Return the samples that have all severities (N,), and their errors (N, severities)."""
    return once(rows, "levels", lambda: aligned(list(errors_by_severity(rows).values())))


@metric(unit="percent", direction="lower", paper="hendrycks2019", contributions=errors_of)
def mean_error(rows: Rows) -> Estimate | None:
    """Percent of wrong predictions, meant over the severities of a corruption: 100 · mean(error).

    Not divided by the errors of any other network; published tables also call this number mCE. Over
    the samples that have all severities; interval clustered by sample. None unless there are
    several severities. Hendrycks and Dietterich, "Benchmarking neural network robustness to common
    corruptions and perturbations", ICLR 2019.
    """
    return _mean(errors_of(rows))


@metric(unit="percent", direction="higher", contributions=areas_of)
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
    return _mean(areas_of(rows))


def _mean(found: pl.DataFrame | None) -> Estimate | None:
    if found is None or found.is_empty():
        return None
    return bounded_mean(100 * found["value"].to_numpy(), low=0.0, high=100.0)
