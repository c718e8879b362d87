"""Errors and costs over the conditions of an operating profile."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from roadworthy.errors import UsageError
from roadworthy.metrics.base import Estimate
from roadworthy.metrics.clusters import verdicts
from roadworthy.metrics.interval import Floats
from roadworthy.metrics.mixture import Plausible, too_large
from roadworthy.metrics.samples import Weighted, aligned
from roadworthy.metrics.suite import SuiteCells, name_of, suite_metric
from roadworthy.profiles.base import NamedCosts, Profile
from roadworthy.profiles.costs import costs_of


@dataclass(frozen=True)
class Conditions:
    """One number in [0, ``high``] for each sample under each condition (N, K)."""

    samples: pl.Series
    values: Floats
    profile: Profile
    high: float

    def mean(self, probabilities: Floats, unit: float) -> Weighted:
        """Return the mean with these probabilities (K,), times ``unit``."""
        return Weighted(self.samples, self.values, probabilities * unit, self.high)

    @property
    def worst(self) -> Floats:
        """The plausible probabilities (K,) under which the mean is largest."""
        return Plausible.of(self.profile).worst(self.values.mean(axis=0))


def errors_of(cells: SuiteCells) -> Conditions | None:
    """Return 1 for wrong (of a sequence the share of wrong frames); None without a profile."""
    return None if cells.profile is None else _conditions(cells, cells.profile, None)


def costs_in(cells: SuiteCells) -> Conditions | None:
    """Return what each answer costs; None for a profile without costs."""
    if cells.profile is None or cells.profile.costs is None:
        return None
    return _conditions(cells, cells.profile, costs_of(cells.profile.costs, cells.names))


@suite_metric(unit="percent", direction="lower", kind="profile", paper=None)
def expected_error(cells: SuiteCells) -> Weighted | None:
    """Percent of wrong predictions in operation: errors of conditions, weighted by how often they are.

    Over the samples that were judged under every condition, which are one observation each;
    interval clustered by sample. The probabilities are taken as given.
    """
    found = errors_of(cells)
    return None if found is None else found.mean(_given(found.profile), 100.0)


@suite_metric(unit="none", direction="lower", kind="profile", paper=None)
def expected_cost(cells: SuiteCells) -> Weighted | None:
    """What an answer costs on average in operation, by the profile's cost matrix.

    Over the samples and with the interval of ``expected_error``. None for a profile without costs.
    """
    found = costs_in(cells)
    return None if found is None else found.mean(_given(found.profile), 1.0)


def _worst_errors(cells: SuiteCells) -> pl.DataFrame | None:
    found = errors_of(cells)
    return None if found is None else found.mean(found.worst, 1.0).contributions()


def _worst_costs(cells: SuiteCells) -> pl.DataFrame | None:
    found = costs_in(cells)
    return None if found is None else found.mean(found.worst, 1.0).contributions()


@suite_metric(
    unit="percent", direction="lower", kind="profile", paper=None, contributions=_worst_errors
)
def worst_mixture_error(cells: SuiteCells) -> Estimate | None:
    """``expected_error`` under the worst plausible mixture of the conditions.

    Plausible are probabilities of which no more lies elsewhere than the profile's ``distance``
    (total variation), each within its range. The worst are chosen by the errors seen, so that the
    value is a little too large by luck; the interval allows for that and is wide enough whether the
    conditions are alike or not.
    """
    return _worst(errors_of(cells), 100.0)


@suite_metric(
    unit="none", direction="lower", kind="profile", paper=None, contributions=_worst_costs
)
def worst_mixture_cost(cells: SuiteCells) -> Estimate | None:
    """``expected_cost`` under the worst plausible mixture; see ``worst_mixture_error``.

    The mixture is the worst one for the costs, not for the errors. None for a profile without costs.
    """
    return _worst(costs_in(cells), 1.0)


def _worst(found: Conditions | None, unit: float) -> Estimate | None:
    if found is None:
        return None
    estimate = found.mean(found.worst, unit).estimate()
    if estimate.value is None or estimate.low is None:
        return estimate
    excess = unit * too_large(found.values, Plausible.of(found.profile))
    return replace(estimate, low=max(0.0, min(estimate.low, estimate.value - excess)))


def _given(profile: Profile) -> Floats:
    return np.array([one.probability for one in profile.conditions], np.float64)


def _conditions(cells: SuiteCells, profile: Profile, costs: NamedCosts | None) -> Conditions:
    for one in profile.conditions:
        if one.stress not in cells.rows or cells.rows[one.stress].is_empty():
            raise UsageError(f"the condition '{one.name}' ({name_of(one.stress)}) has no results")
    stresses = [one.stress for one in profile.conditions]
    frames = [
        cells.seen(_wrong, stress) if costs is None else _paid(cells.rows[stress], costs)
        for stress in stresses
    ]
    samples, values = aligned(frames)
    if not len(values):
        raise UsageError("no image was judged under every condition of the profile yet")
    return Conditions(samples, values, profile, 1.0 if costs is None else costs.highest)


def _wrong(rows: pl.DataFrame) -> pl.DataFrame:
    judged = verdicts(rows, "correct")
    return _by_sample(judged.select("sample", value=~pl.col("correct")))


def _paid(rows: pl.DataFrame, costs: NamedCosts) -> pl.DataFrame:
    return _by_sample(_cost(verdicts(rows, "pred", "correct"), costs))


def _by_sample(judged: pl.DataFrame) -> pl.DataFrame:
    """Return each sample once, ascending, with the mean over its rows (frames of a sequence)."""
    value = pl.col("value").cast(pl.Float64).mean()
    return judged.drop_nulls().group_by("sample").agg(value).sort("sample")


def _cost(judged: pl.DataFrame, costs: NamedCosts) -> pl.DataFrame:
    plain = pl.when("correct").then(costs.right).otherwise(costs.wrong)
    if not costs.pairs:
        return judged.select("sample", value=plain)
    table = pl.DataFrame(
        {
            "label": [true for true, _ in costs.pairs],
            "answer": [predicted for _, predicted in costs.pairs],
            "cost": list(costs.pairs.values()),
        },
        schema={"label": pl.Int32, "answer": pl.Int32, "cost": pl.Float64},
    )
    # what counts as right is right, even if it is another output of the same class
    answer = pl.when("correct").then("label").otherwise("pred")
    joined = judged.with_columns(answer=answer).join(
        table, on=["label", "answer"], how="left", maintain_order="left"
    )
    return joined.select("sample", value=pl.coalesce("cost", plain))
