"""Flips and rank distances over a suite of sequences: plain, and divided by those of a baseline."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import polars as pl

from roadworthy.errors import UsageError
from roadworthy.metrics.interval import Floats
from roadworthy.metrics.ranks import FURTHEST
from roadworthy.metrics.samples import Weighted, aligned
from roadworthy.metrics.sequences import comparisons
from roadworthy.metrics.suite import SuiteCells, name_of, suite_metric

PERTURBATIONS = (
    "gaussian_noise_sequence",
    "shot_noise_sequence",
    "motion_blur_sequence",
    "zoom_blur_sequence",
    "snow_sequence",
    "brightness_sequence",
    "translate",
    "rotate",
    "tilt",
    "scale",
)
"""The ten that published means are over; the script of CIFAR-P has spatter where snow is here."""

FLIPS, DISTANCES = "frames_flip", "frames_top5_distance"


@suite_metric(unit="percent", direction="lower", kind="sequences", each=True, ratio=True)
def flip_rate(cells: SuiteCells, stress: str) -> Weighted:
    """Flip rate: the flip probability along one perturbation, in percent of a baseline's.

    AlexNet has 100. Interval clustered by sample, the baseline taken as it is printed. Hendrycks
    and Dietterich, "Benchmarking neural network robustness to common corruptions and
    perturbations", ICLR 2019.
    """
    return _ratio(cells, [stress], FLIPS, cells.reference().flips_of)


@suite_metric(unit="percent", direction="lower", kind="sequences", ratio=True)
def mfr(cells: SuiteCells) -> Weighted | None:
    """Mean flip rate: ``flip_rate`` meant over the ten perturbations, the extras left out.

    AlexNet has 100. Over the samples with all ten sequences, which together are one observation.
    None for a suite without the ten. Hendrycks and Dietterich, ICLR 2019.
    """
    ten = _ten(cells)
    return _ratio(cells, ten, FLIPS, cells.reference().flips_of) if ten else None


@suite_metric(unit="percent", direction="lower", kind="sequences", ratio=True)
def mt5d(cells: SuiteCells) -> Weighted | None:
    """Mean top-5 distance over the ten perturbations, each in percent of a baseline's.

    AlexNet has 100, but its distances were published in no table, so this needs a run as baseline;
    ``t5d`` is the same without division. Interval as for ``mfr``. None for a suite without the ten.
    Hendrycks and Dietterich, ICLR 2019.
    """
    ten = _ten(cells)
    return _ratio(cells, ten, DISTANCES, cells.reference().top5_distance_of) if ten else None


@suite_metric(unit="percent", direction="lower", kind="sequences")
def flip_probability(cells: SuiteCells) -> Weighted:
    """Percent of comparisons of two frames in which the prediction differs, meant over a suite.

    The plain mean over the perturbations, as CIFAR-P is reported (mFP); over the ten of the
    benchmark where the suite has these. Interval as for ``mfr``. Hendrycks and Dietterich, ICLR
    2019.
    """
    members = cells.members(PERTURBATIONS)
    weights = np.full(len(members), 100 / max(1, len(members)))
    return Weighted(*_means(cells, members, FLIPS), weights)


@suite_metric(unit="none", direction="lower", kind="sequences")
def t5d(cells: SuiteCells) -> Weighted:
    """Mean top-5 distance of two compared frames over a suite, 0 to 15, divided by nothing.

    The plain mean over the perturbations, as for ``flip_probability``. Hendrycks and Dietterich,
    ICLR 2019.
    """
    members = cells.members(PERTURBATIONS)
    weights = np.full(len(members), 1 / max(1, len(members)))
    return Weighted(*_means(cells, members, DISTANCES), weights, high=FURTHEST)


def _ten(cells: SuiteCells) -> list[str]:
    found = cells.members(PERTURBATIONS)
    return found if {name_of(stress) for stress in found} == set(PERTURBATIONS) else []


def _ratio(
    cells: SuiteCells, members: Sequence[str], column: str, known: Callable[[str], float]
) -> Weighted:
    """Return the mean over ``members`` of flips or distances in percent of the baseline's."""
    divisors = np.array([known(stress) for stress in members], np.float64)
    if (divisors <= 0).any():
        raise UsageError(
            f"the baseline has none under {members[int(np.argmin(divisors))]}, "
            f"so nothing can be divided"
        )
    flips = column == FLIPS
    weights = (100 if flips else 1) * 100 / len(members) / divisors
    high = 1.0 if flips else FURTHEST
    return Weighted(*_means(cells, members, column), weights, high)


def _means(cells: SuiteCells, members: Sequence[str], column: str) -> tuple[pl.Series, Floats]:
    """Return the samples with sequences of all members, and means over comparisons (N, members)."""
    frames = []
    for stress in members:
        frames.append(cells.seen(comparisons, stress, column))
        if cells.rows[stress]["variant"].n_unique() > 1:
            raise UsageError(f"{stress} has several difficulties, which are never meant together")
        if frames[-1].is_empty():
            raise UsageError(f"{name_of(stress)} has no results")
    samples, means = aligned(frames)
    if not len(means):
        raise UsageError("no image has every sequence of the suite yet")
    return samples, means
