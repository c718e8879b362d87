"""The worst case over several attacks: an image survives only if it survives all of them."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import polars as pl

from roadworthy.errors import UsageError
from roadworthy.metrics.attacked import is_minimal, norm_of, reach, survived, within
from roadworthy.metrics.base import Estimate, Rows
from roadworthy.metrics.interval import proportion
from roadworthy.metrics.samples import aligned, by_sample
from roadworthy.metrics.suite import SuiteCells, suite_metric


def standing_all(cells: SuiteCells) -> pl.DataFrame | None:
    """Return sample and value: whether an image survived every attack that was judged."""
    attacks = {stress: cells.rows[stress] for stress in cells.members() if stress in cells.rows}
    eps = common_budget(attacks.values())
    if len(attacks) < 2 or eps is None:
        return None
    samples, robust = aligned([cells.seen(standing, stress, eps) for stress in attacks])
    if not len(robust):
        raise UsageError("no sample was finished by all attacks")
    return by_sample(samples, robust.min(axis=1))


@suite_metric(
    unit="percent",
    direction="higher",
    kind="attacks",
    paper="croce2020",
    contributions=standing_all,
)
def worst_case_top1(cells: SuiteCells) -> Estimate | None:
    """Percent of samples that are right clean and on which none of several attacks reached its goal.

    Over attacks on one model within one norm, budget, target rule, frame and precision, and only
    over the samples that all of them finished: ``n`` is their number. Attacks that look for the
    smallest change take part with the budget of the others, through their distances. Wilson
    interval; None for fewer than two attacks, or where none has a budget. Croce and Hein, "Reliable
    evaluation of adversarial robustness with an ensemble of diverse parameter-free attacks", ICML
    2020.
    """
    found = standing_all(cells)
    return None if found is None else proportion(found["value"].to_numpy(), np.ones(len(found)))


def common_budget(attacks: Iterable[Rows]) -> float | None:
    """Return the one budget of several attacks, leaving out those without; None if there is none."""
    found: set[float] = set()
    norms: set[str | None] = set()
    for rows in attacks:
        norms.add(norm_of(rows))
        found |= set(rows["eps"].drop_nulls().unique().to_list())
    return found.pop() if len(found) == 1 and len(norms) == 1 and None not in norms else None


def standing(rows: Rows, eps: float) -> pl.DataFrame:
    """Return each sample once, ascending, with 1 where no row of it reached the goal within ``eps``."""
    norm = norm_of(rows)
    if norm is not None and is_minimal(rows):
        found = reach(rows, norm)
        return found.with_columns(value=(pl.col("value") > within(eps)).cast(pl.Float64))
    known = survived(rows).drop_nulls()
    return known.group_by("sample").agg(pl.col("value").min().cast(pl.Float64)).sort("sample")
