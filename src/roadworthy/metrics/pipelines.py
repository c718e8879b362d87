"""Accuracy over several ways to read the same files and to compute the same network."""

from __future__ import annotations

from functools import partial

import numpy as np
import polars as pl

from roadworthy.metrics.base import Estimate
from roadworthy.metrics.drop import paired_difference
from roadworthy.metrics.interval import Floats, mean, proportion
from roadworthy.metrics.largest import largest_difference
from roadworthy.metrics.mcnemar import detectable_difference, discordant
from roadworthy.metrics.over_pipelines import (
    agreed,
    changed,
    lost_by_worst,
    mean_lost,
    mean_moved,
    mean_zipf,
    over_pipelines,
    shares_right,
    spreads,
    verdicts_of,
)
from roadworthy.metrics.samples import bounded_mean
from roadworthy.metrics.spread import spread
from roadworthy.metrics.suite import SuiteCells, suite_metric


@suite_metric(
    unit="percent",
    direction="higher",
    kind="systematic",
    paper="wang2021",
    contributions=shares_right,
)
def pipeline_mean(cells: SuiteCells) -> Estimate:
    """Percent of right predictions, meant over all pipelines of a suite, the reference among them.

    Pipelines that give bit-identical pixels count once. Over the images that all of them judged;
    interval clustered by image. Wang et al., "Real world robustness from systematic noise", 2021.
    """
    return bounded_mean(_values(shares_right(cells)), low=0.0, high=1.0, scale=100.0)


@suite_metric(
    unit="points",
    direction="lower",
    kind="systematic",
    paper="wang2021",
    contributions=partial(spreads, ddof=1),
)
def pipeline_std(cells: SuiteCells) -> Estimate:
    """Standard deviation of top-1 over all pipelines of a suite, the reference among them.

    The sample standard deviation, with K - 1 in the denominator (ddof=1), as the published tables
    print it; RobustART has K (ddof=0), which is ``pipeline_std_population``. Bit-identical pipelines
    count once. Accuracies of few images lie apart by luck alone; the interval allows for that, so
    that the value may stand at its upper end. Wang et al., "Real world robustness from systematic
    noise", 2021.
    """
    return spread(over_pipelines(cells, "correct")[1], ddof=1)


@suite_metric(
    unit="points",
    direction="lower",
    kind="systematic",
    paper="tang2021",
    contributions=partial(spreads, ddof=0),
)
def pipeline_std_population(cells: SuiteCells) -> Estimate:
    """Standard deviation of top-1 over all pipelines with K in the denominator (ddof=0).

    As NumPy's default, and as RobustART reports it; else like ``pipeline_std``. Tang et al.,
    "RobustART: benchmarking robustness on architecture design and training techniques", 2021.
    """
    return spread(over_pipelines(cells, "correct")[1], ddof=0)


@suite_metric(
    unit="points",
    direction="lower",
    kind="systematic",
    paper="wang2023",
    contributions=lost_by_worst,
)
def worst_drop(cells: SuiteCells) -> Estimate:
    """Top-1 lost under the worst pipeline of a suite, in points; positive is worse.

    The largest of the drops against the reference, on the images that all pipelines judged. The
    worst of many looks worse than it is, and the interval allows for having chosen it: it covers 95 %
    where one pipeline stands out and where all are alike, and somewhat more in between. Wang et al.,
    "SysNoise", MLSys 2023, give it in brackets.
    """
    _, reference, others = verdicts_of(cells)
    return largest_difference(reference - others)


@suite_metric(
    unit="points", direction="lower", kind="systematic", paper="wang2023", contributions=mean_lost
)
def mean_drop(cells: SuiteCells) -> Estimate:
    """Top-1 lost against the reference, meant over all other pipelines of a suite, in points.

    On the images that all pipelines judged; interval as for ``drop``, with one difference an image.
    Wang et al., "SysNoise", MLSys 2023.
    """
    lost = _values(mean_lost(cells))
    return paired_difference(lost, np.ones(len(lost)))


@suite_metric(
    unit="percent", direction="higher", kind="systematic", paper=None, contributions=agreed
)
def agreement(cells: SuiteCells) -> Estimate:
    """Percent of images on which all pipelines of a suite, the reference among them, agree.

    Right or wrong: the same prediction everywhere. Wilson interval.
    """
    same = _values(agreed(cells))
    return proportion(same, np.ones(len(same)))


@suite_metric(
    unit="percent", direction="lower", kind="systematic", paper="tang2021", contributions=changed
)
def flip_probability(cells: SuiteCells) -> Estimate:
    """Percent of predictions that differ from those of the reference, meant over all other pipelines.

    For CIFAR-10-S the reference is the untouched picture. Interval clustered by image. Tang et al.,
    "RobustART", 2021, after Hendrycks and Dietterich, ICLR 2019.
    """
    return bounded_mean(_values(changed(cells)), low=0.0, high=1.0, scale=100.0)


@suite_metric(
    unit="none", direction="lower", kind="systematic", paper="tang2021", contributions=mean_zipf
)
def zipf_distance(cells: SuiteCells) -> Estimate:
    """How far the ranking of all classes has moved from the reference, meant over other pipelines.

    The first ranks weigh most, as for sequences; clustered t interval. Tang et al., "RobustART",
    2021, after Hendrycks and Dietterich, ICLR 2019.
    """
    return _mean(mean_zipf(cells))


@suite_metric(
    unit="nats", direction="lower", kind="systematic", paper=None, contributions=mean_moved
)
def mean_kl(cells: SuiteCells) -> Estimate:
    """How far probabilities move: KL(reference || pipeline), meant over images and pipelines, in nats.

    It sees what no prediction shows yet, and needs no labels; clustered t interval.
    """
    return _mean(mean_moved(cells))


def _mean(found: pl.DataFrame) -> Estimate:
    values = np.sort(_values(found))
    return mean(values, np.ones(len(values)), low=0.0)


def _values(found: pl.DataFrame) -> Floats:
    values: Floats = found["value"].to_numpy()
    return values


@suite_metric(unit="points", direction="lower", kind="systematic", paper=None)
def detectable_drop(cells: SuiteCells) -> Estimate:
    """The smallest drop that so many images show under every pipeline of a suite, in points.

    A true drop of that size comes out significant (McNemar, 5 %) in 80 % of runs: the largest over
    pipelines of sqrt(7.84 · share of verdicts that changed / n). Smaller ones may be there unseen.
    No value where no verdict changed.
    """
    _, reference, others = verdicts_of(cells)
    found = [detectable_difference(discordant(reference[:, 0], one)) for one in others.T]
    known = [100 * one for one in found if one is not None]
    if not known:
        return Estimate(None, None, None, len(others))
    return Estimate(max(known), None, None, len(others))
