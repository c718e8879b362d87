"""Errors over a suite of corruptions: plain, and divided by those of a baseline."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from roadworthy.baselines.base import Baseline, severities_of
from roadworthy.errors import UsageError
from roadworthy.metrics.interval import Floats
from roadworthy.metrics.samples import Weighted, aligned, errors, errors_by_severity
from roadworthy.metrics.suite import SuiteCells, name_of, suite_metric

CORRUPTIONS = (
    "gaussian_noise",
    "shot_noise",
    "impulse_noise",
    "defocus_blur",
    "glass_blur",
    "motion_blur",
    "zoom_blur",
    "snow",
    "frost",
    "fog",
    "brightness",
    "contrast",
    "elastic_transform",
    "pixelate",
    "jpeg_compression",
)
"""The fifteen that published means are over; the four extras are never among them."""


@suite_metric(unit="percent", direction="lower", kind="corruptions", each=True, ratio=True)
def ce(cells: SuiteCells, stress: str) -> Weighted:
    """Corruption error: the errors at all severities of one corruption, in percent of a baseline's.

    100 · sum over severities of the model's error / sum of the baseline's: a ratio of sums, not a
    mean of ratios; AlexNet has 100. Over the samples that have all severities; interval clustered
    by sample, the baseline taken as it is printed. Hendrycks and Dietterich, "Benchmarking neural
    network robustness to common corruptions and perturbations", ICLR 2019.
    """
    return _error(cells, [stress], relative=False)


@suite_metric(unit="percent", direction="lower", kind="corruptions", each=True, ratio=True)
def relative_ce(cells: SuiteCells, stress: str) -> Weighted:
    """Relative corruption error: what one corruption adds to the error, in percent of a baseline's.

    100 · sum over severities of (error - clean error) / the same sum of the baseline. Over the
    samples that were judged clean and at all severities; interval clustered by sample. Hendrycks
    and Dietterich, ICLR 2019.
    """
    return _error(cells, [stress], relative=True)


@suite_metric(unit="percent", direction="lower", kind="corruptions", ratio=True)
def mce(cells: SuiteCells) -> Weighted | None:
    """Mean corruption error: ``ce`` meant over the fifteen corruptions, the extras left out.

    AlexNet has 100. Over the samples judged at all severities of all fifteen: all pictures made
    from one photograph are one observation of it, which is what the interval counts. None for a
    suite without the fifteen. Hendrycks and Dietterich, ICLR 2019.
    """
    fifteen = _fifteen(cells)
    return _error(cells, fifteen, relative=False) if fifteen else None


@suite_metric(unit="percent", direction="lower", kind="corruptions", ratio=True)
def relative_mce(cells: SuiteCells) -> Weighted | None:
    """Relative mean corruption error: ``relative_ce`` meant over the fifteen corruptions.

    What corruption adds to the error, so a model may be worse in this and better in ``mce``; above
    100 it loses more than the baseline does. Interval as for ``mce``, the clean error varying with
    the same samples. None for a suite without the fifteen. Hendrycks and Dietterich, ICLR 2019.
    """
    fifteen = _fifteen(cells)
    return _error(cells, fifteen, relative=True) if fifteen else None


@suite_metric(unit="percent", direction="lower", kind="corruptions")
def mean_error(cells: SuiteCells) -> Weighted:
    """Percent of wrong predictions, meant over the corruptions and severities of a suite.

    Not divided by the errors of any network; over the fifteen corruptions where the suite has
    these. The number that CIFAR-C is reported by, and what other tables call an unnormalised mCE.
    Over the samples judged everywhere; interval clustered by sample. Hendrycks and Dietterich,
    ICLR 2019.
    """
    members = cells.members(CORRUPTIONS)
    counts = [len(severities_of(stress)) for stress in members]
    weights = _weights(counts, [1 / max(1, n) for n in counts])
    return Weighted(*_errors(cells, members), weights)


def _fifteen(cells: SuiteCells) -> list[str]:
    found = cells.members(CORRUPTIONS)
    return found if {name_of(stress) for stress in found} == set(CORRUPTIONS) else []


def _error(cells: SuiteCells, members: Sequence[str], *, relative: bool) -> Weighted:
    """Return the mean over ``members`` of their sums of errors, in percent of the baseline's."""
    baseline = cells.reference()
    counts = [len(severities_of(stress)) for stress in members]
    shares = [1 / _divisor(baseline, stress, relative=relative) for stress in members]
    weights = _weights(counts, shares)
    if relative:
        # the clean error is taken off once for each picture, so it weighs as much as they all do
        weights = np.append(weights, -weights.sum())
    return Weighted(*_errors(cells, members, clean=relative), weights)


def _divisor(baseline: Baseline, stress: str, *, relative: bool) -> float:
    """Return the sum of a baseline's errors over the severities of ``stress``, as fractions."""
    errors = baseline.errors_of(stress)
    less = 0.0
    if relative:
        if baseline.clean_error is None:
            raise UsageError(f"baseline {baseline.name} has no clean error")
        less = baseline.clean_error
    total = sum(error - less for error in errors) / 100
    if total <= 0:
        what = "loses nothing" if relative else "makes no error"
        raise UsageError(
            f"baseline {baseline.name} {what} under {stress}, so nothing can be divided"
        )
    return total


def _weights(counts: Sequence[int], shares: Sequence[float]) -> Floats:
    """Return what each picture of a sample weighs in a mean over corruptions, in percent.

    A corruption has ``counts`` severities, and the sum over them is multiplied by its ``shares``.
    """
    return np.repeat(np.asarray(shares, np.float64), counts) * 100 / len(counts)


def _frames(cells: SuiteCells, members: Sequence[str]) -> list[pl.DataFrame]:
    frames: list[pl.DataFrame] = []
    for stress in members:
        known, severities = cells.seen(errors_by_severity, stress), severities_of(stress)
        if not severities:
            raise UsageError(f"{stress} has no severities")
        missing = [severity for severity in severities if severity not in known]
        if missing:
            raise UsageError(f"{name_of(stress)} has no results at severity {missing[0]}")
        frames.extend(known[severity] for severity in severities)
    return frames


def _errors(
    cells: SuiteCells, members: Sequence[str], *, clean: bool = False
) -> tuple[pl.Series, Floats]:
    """Return the samples that all members judged, 1 for wrong and 0 for right (N, pictures).

    With ``clean``, the unstressed picture comes last.
    """
    frames = _frames(cells, members)
    if clean:
        if cells.clean is None:
            why = "the clean images were not judged in the frame of the suite"
            raise UsageError(cells.why_no_clean or why)
        frames.append(errors(cells.clean))
    samples, wrong = aligned(frames)
    if not len(wrong):
        raise UsageError("no image was judged under every corruption of the suite yet")
    return samples, wrong
