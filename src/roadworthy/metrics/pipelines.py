"""Accuracy over several ways to read the same files and to compute the same network."""

from __future__ import annotations

import numpy as np
import polars as pl

from roadworthy.errors import UsageError
from roadworthy.metrics.base import Estimate
from roadworthy.metrics.drop import paired_difference
from roadworthy.metrics.interval import Floats, mean, proportion
from roadworthy.metrics.largest import largest_difference
from roadworthy.metrics.mcnemar import detectable_difference, discordant
from roadworthy.metrics.samples import bounded_mean, side_by_side
from roadworthy.metrics.spread import spread
from roadworthy.metrics.suite import SuiteCells, suite_metric


def pipelines(cells: SuiteCells) -> list[tuple[str, str]]:
    """Return (stress, variant) of every pipeline of a suite that was judged, in its order."""
    return [
        (stress, variant)
        for stress in cells.members()
        if stress in cells.rows
        for variant in cells.rows[stress]["variant"].unique(maintain_order=True).to_list()
    ]


def over_pipelines(cells: SuiteCells, column: str, *, reference: bool = True) -> Floats:
    """Return ``column`` of the images that all pipelines judged (N, K), first of the reference.

    Raises UsageError where there is no other pipeline, or no image that all of them judged.
    """
    found = pipelines(cells)
    if not found:
        raise UsageError("no other pipeline was judged")
    if cells.clean is None:
        raise UsageError(cells.why_no_clean or "the images were not judged as they are")
    frames = [_of(cells.rows[stress], variant, column) for stress, variant in found]
    known = side_by_side([_column(cells.clean, column), *frames] if reference else frames)
    if not len(known):
        raise UsageError("no image was judged under every pipeline of the suite yet")
    return known


def _of(rows: pl.DataFrame, variant: str, column: str) -> pl.DataFrame:
    return _column(rows.filter(pl.col("variant") == variant), column)


def _column(rows: pl.DataFrame, column: str) -> pl.DataFrame:
    return rows.select("sample", value=pl.col(column)).drop_nulls()


def _verdicts(cells: SuiteCells) -> tuple[Floats, Floats]:
    """Return verdicts of the reference (N, 1), 1 for right, and of the other pipelines (N, K)."""
    right = over_pipelines(cells, "correct")
    return right[:, :1], right[:, 1:]


@suite_metric(unit="percent", direction="higher", kind="systematic", paper="wang2021")
def pipeline_mean(cells: SuiteCells) -> Estimate:
    """Percent of right predictions, meant over all pipelines of a suite, the reference among them.

    Pipelines that give bit-identical pixels count once. Over the images that all of them judged;
    interval clustered by image. Wang et al., "Real world robustness from systematic noise", 2021.
    """
    right = over_pipelines(cells, "correct")
    return bounded_mean(right.mean(axis=1), low=0.0, high=1.0, scale=100.0)


@suite_metric(unit="points", direction="lower", kind="systematic", paper="wang2021")
def pipeline_std(cells: SuiteCells) -> Estimate:
    """Standard deviation of top-1 over all pipelines of a suite, the reference among them.

    The sample standard deviation, with K - 1 in the denominator (ddof=1), as the published tables
    print it; RobustART has K (ddof=0), which is ``pipeline_std_population``. Bit-identical pipelines
    count once. Accuracies of few images lie apart by luck alone; the interval allows for that, so
    that the value may stand at its upper end. Wang et al., "Real world robustness from systematic
    noise", 2021.
    """
    return spread(over_pipelines(cells, "correct"), ddof=1)


@suite_metric(unit="points", direction="lower", kind="systematic", paper="tang2021")
def pipeline_std_population(cells: SuiteCells) -> Estimate:
    """Standard deviation of top-1 over all pipelines with K in the denominator (ddof=0).

    As NumPy's default, and as RobustART reports it; else like ``pipeline_std``. Tang et al.,
    "RobustART: benchmarking robustness on architecture design and training techniques", 2021.
    """
    return spread(over_pipelines(cells, "correct"), ddof=0)


@suite_metric(unit="points", direction="lower", kind="systematic", paper="wang2023")
def worst_drop(cells: SuiteCells) -> Estimate:
    """Top-1 lost under the worst pipeline of a suite, in points; positive is worse.

    The largest of the drops against the reference, on the images that all pipelines judged. The
    worst of many looks worse than it is, and the interval allows for having chosen it: it covers 95 %
    where one pipeline stands out and where all are alike, and somewhat more in between. Wang et al.,
    "SysNoise", MLSys 2023, give it in brackets.
    """
    reference, others = _verdicts(cells)
    return largest_difference(reference - others)


@suite_metric(unit="points", direction="lower", kind="systematic", paper="wang2023")
def mean_drop(cells: SuiteCells) -> Estimate:
    """Top-1 lost against the reference, meant over all other pipelines of a suite, in points.

    On the images that all pipelines judged; interval as for ``drop``, with one difference an image.
    Wang et al., "SysNoise", MLSys 2023.
    """
    reference, others = _verdicts(cells)
    lost = (reference - others).mean(axis=1)
    return paired_difference(lost, np.ones(len(lost)))


@suite_metric(unit="percent", direction="higher", kind="systematic", paper=None)
def agreement(cells: SuiteCells) -> Estimate:
    """Percent of images on which all pipelines of a suite, the reference among them, agree.

    Right or wrong: the same prediction everywhere. Wilson interval.
    """
    predicted = over_pipelines(cells, "pred")
    same = (predicted == predicted[:, :1]).all(axis=1)
    return proportion(same.astype(np.float64), np.ones(len(same)))


@suite_metric(unit="percent", direction="lower", kind="systematic", paper="tang2021")
def flip_probability(cells: SuiteCells) -> Estimate:
    """Percent of predictions that differ from those of the reference, meant over all other pipelines.

    For CIFAR-10-S the reference is the untouched picture. Interval clustered by image. Tang et al.,
    "RobustART", 2021, after Hendrycks and Dietterich, ICLR 2019.
    """
    predicted = over_pipelines(cells, "pred")
    changed = (predicted[:, 1:] != predicted[:, :1]).mean(axis=1)
    return bounded_mean(changed, low=0.0, high=1.0, scale=100.0)


@suite_metric(unit="none", direction="lower", kind="systematic", paper="tang2021")
def zipf_distance(cells: SuiteCells) -> Estimate:
    """How far the ranking of all classes has moved from the reference, meant over other pipelines.

    The first ranks weigh most, as for sequences; clustered t interval. Tang et al., "RobustART",
    2021, after Hendrycks and Dietterich, ICLR 2019.
    """
    return _mean_of(cells, "zipf_ref")


@suite_metric(unit="nats", direction="lower", kind="systematic", paper=None)
def mean_kl(cells: SuiteCells) -> Estimate:
    """How far probabilities move: KL(reference || pipeline), meant over images and pipelines, in nats.

    It sees what no prediction shows yet, and needs no labels; clustered t interval.
    """
    return _mean_of(cells, "kl_ref")


def _mean_of(cells: SuiteCells, column: str) -> Estimate:
    values = over_pipelines(cells, column, reference=False).mean(axis=1)
    return mean(np.sort(values), np.ones(len(values)), low=0.0)


@suite_metric(unit="points", direction="lower", kind="systematic", paper=None)
def detectable_drop(cells: SuiteCells) -> Estimate:
    """The smallest drop that so many images show under every pipeline of a suite, in points.

    A true drop of that size comes out significant (McNemar, 5 %) in 80 % of runs: the largest over
    pipelines of sqrt(7.84 · share of verdicts that changed / n). Smaller ones may be there unseen.
    No value where no verdict changed.
    """
    reference, others = _verdicts(cells)
    found = [detectable_difference(discordant(reference[:, 0], one)) for one in others.T]
    known = [100 * one for one in found if one is not None]
    if not known:
        return Estimate(None, None, None, len(others))
    return Estimate(max(known), None, None, len(others))
