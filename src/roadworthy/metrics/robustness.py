"""Robust accuracy over the budget of an attack: the curve, and the area under it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from roadworthy.errors import UsageError
from roadworthy.metrics.attacked import end_of, is_minimal, norm_of, reach, survived, within
from roadworthy.metrics.base import Estimate, Rows
from roadworthy.metrics.catalogue import USABLE
from roadworthy.metrics.clusters import cluster
from roadworthy.metrics.interval import estimate, proportion, wilson
from roadworthy.metrics.samples import aligned, bounded_mean, by_sample

POINTS = 33
"""Budgets of a curve that is read off distances, where none are given."""


@dataclass(frozen=True)
class CurvePoint:
    """Robust accuracy in percent, with its pointwise interval, at one budget or after so many steps."""

    at: float
    estimate: Estimate


def robustness_curve(rows: Rows, budgets: Sequence[float] | None = None) -> list[CurvePoint]:
    """Return robust accuracy in percent over the budget, with pointwise 95 % intervals.

    ``rows`` are the records of one attack on one model and data set. An attack that looks for the
    smallest change ran once, and every one of ``budgets`` is read off its distances: an image is
    robust at a budget if it is right when clean and no change of at most that size reached the
    goal. Without ``budgets`` 33 of them, evenly from 0 to the documented end of `end_of`. An attack
    with fixed budgets has a point at each of its own, and at 0 the clean accuracy. Budgets are in
    units of [0, 1], under L0 numbers of elements. Raises UsageError for records that are not of one
    attack, and for budgets that were not run. Dong et al., "Benchmarking adversarial robustness on
    image classification", CVPR 2020.
    """
    return curve_of(one_attack(rows), budgets)


def curve_of(rows: Rows, budgets: Sequence[float] | None = None) -> list[CurvePoint]:
    """Return `robustness_curve` of usable records that are known to be of one attack."""
    if is_minimal(rows):
        evenly = np.linspace(0, end_of(rows), POINTS).tolist()
        return read_off(rows, evenly if budgets is None else budgets)
    known = {0.0: _clean(rows), **_at_budgets(rows)}
    chosen = list(known) if budgets is None else [_known(b, list(known)) for b in budgets]
    return [CurvePoint(at, _share(known[at])) for at in chosen]


def one_attack(rows: Rows) -> Rows:
    """Return the usable records of one attack; raises UsageError if they are not of one."""
    usable = rows.filter(pl.col("status").is_in(USABLE))
    for name in ("model", "data", "stress", "precision"):
        found = usable[name].unique().sort().to_list()
        if len(found) > 1:
            raise UsageError(
                f"a curve is of one {name}, not of {len(found)}: filter the records by '{name}' "
                f"({', '.join(map(str, found[:3]))})"
            )
    if norm_of(usable) is None:
        raise UsageError("a curve over the strength of an attack needs records of an attack")
    return usable


def read_off(rows: Rows, budgets: Sequence[float]) -> list[CurvePoint]:
    """Return the curve of an attack that looked for the smallest change, at ``budgets``."""
    norm = norm_of(rows)
    assert norm is not None
    values = reach(rows, norm)["value"].sort().to_numpy()
    if not values.size:
        return [CurvePoint(float(at), Estimate(None, None, None, 0)) for at in budgets]
    edges = np.array([within(float(at)) for at in budgets])
    robust = values.size - np.searchsorted(values, edges, side="right")
    low, high = wilson(robust, np.full(len(edges), values.size))
    shares = zip(budgets, robust / values.size, low, high, strict=True)
    return [
        CurvePoint(float(at), estimate(float(s), float(a), float(b), values.size, scale=100.0))
        for at, s, a, b in shares
    ]


def area(rows: Rows) -> Estimate | None:
    """Return the area under the curve of one attack, in percent of that of perfect robustness.

    None as for `areas`.
    """
    found = areas(rows)
    if found is None or found.is_empty():
        return None
    return bounded_mean(found["value"].to_numpy(), low=0.0, high=1.0, scale=100.0)


def areas(rows: Rows) -> pl.DataFrame | None:
    """Return sample and value: the area under the curve of each sample, a share of the largest.

    Read off distances up to `end_of`; of fixed budgets by the trapezoidal rule from 0, where
    accuracy is clean, to the largest, over the samples that have all. None for a single budget.
    """
    norm = norm_of(rows)
    if norm is None:
        return None
    if is_minimal(rows):
        end, known = end_of(rows), reach(rows, norm)
        return by_sample(known["sample"], np.minimum(known["value"].to_numpy(), end) / end)
    found = _at_budgets(rows)
    if len(found) < 2:
        return None
    at = np.array([0.0, *found])
    frames = [_mean(frame) for frame in (_clean(rows), *found.values())]
    samples, robust = aligned(frames)
    return by_sample(samples, np.trapezoid(robust, at, axis=1) / at[-1])


def _clean(rows: Rows) -> pl.DataFrame:
    return rows.select("sample", value=pl.col("status") != "clean_error").unique(
        "sample", maintain_order=True
    )


def _at_budgets(rows: Rows) -> dict[float, pl.DataFrame]:
    """Return sample and value (survived) by budget above 0, ascending."""
    exact = pl.col("eps_numerator") / pl.col("eps_denominator")
    budget = pl.coalesce(exact, pl.col("eps").cast(pl.Float64))
    known = survived(rows).with_columns(budget=rows.select(budget).to_series()).drop_nulls()
    parts = known.partition_by("budget", include_key=False, as_dict=True)
    return {float(key[0]): frame for key, frame in sorted(parts.items()) if key[0] > 0}


def _mean(frame: pl.DataFrame) -> pl.DataFrame:
    """Return each sample once, ascending, with the share of its rows that survived."""
    return frame.group_by("sample").agg(pl.col("value").mean()).sort("sample")


def _share(frame: pl.DataFrame) -> Estimate:
    data = cluster(frame)
    return proportion(data.sums(data["value"]), data.counts)


def _known(budget: float, known: Sequence[float]) -> float:
    found = next((at for at in known if abs(at - budget) <= within(at) - at), None)
    if found is None:
        raise UsageError(
            f"the attack did not run with eps={budget:g}: it has fixed budgets, "
            f"{', '.join(f'{at:.4g}' for at in known)}"
        )
    return found
