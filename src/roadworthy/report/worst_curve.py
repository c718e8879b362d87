"""The worst case over all attacks of one model, over the budget."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from roadworthy.metrics.attacked import end_of, is_minimal, reach, within
from roadworthy.metrics.base import Rows
from roadworthy.metrics.interval import estimate, wilson
from roadworthy.metrics.robustness import POINTS, CurvePoint
from roadworthy.stress.norm_names import Norm


def worst_curve(attacks: Sequence[Rows], norm: Norm) -> list[CurvePoint]:
    """Return robust accuracy in percent over the budget, an image counting if it survives all attacks.

    ``attacks`` are usable records of one attack each, of one model and data set in one ``norm``. A
    change that was found under a small budget is one under every larger budget. Over the samples that
    all attacks finished; budgets are those that were run, and 33 evenly where some attack looked for
    the smallest change.
    """
    smallest = _found(attacks[0], norm)
    for rows in attacks[1:]:
        other = _found(rows, norm).rename({"value": "other"})
        joined = smallest.join(other, on="sample", how="inner", maintain_order="left")
        smallest = joined.select("sample", value=pl.min_horizontal("value", "other"))
    values = smallest["value"].sort().to_numpy()
    if not values.size:
        return []
    budgets = _budgets(attacks)
    edges = np.array([within(at) for at in budgets])
    robust = values.size - np.searchsorted(values, edges, side="right")
    low, high = wilson(robust, np.full(len(edges), values.size))
    return [
        CurvePoint(at, estimate(r / values.size, float(a), float(b), values.size, scale=100.0))
        for at, r, a, b in zip(budgets, robust.tolist(), low, high, strict=True)
    ]


def _found(rows: Rows, norm: Norm) -> pl.DataFrame:
    """Return each sample with the smallest change found: 0 if wrong when clean, infinite if none was.

    Where an attack with a budget noted no distance it is the budget.
    """
    if is_minimal(rows):
        return reach(rows, norm)
    changed = pl.coalesce(pl.col(norm.lower()), pl.col("eps")).cast(pl.Float64)
    tried = pl.when(pl.col("success").fill_null(value=False)).then(changed).otherwise(np.inf)
    value = pl.when(pl.col("status") == "clean_error").then(0.0).otherwise(tried)
    return rows.group_by("sample").agg(value.min().alias("value")).drop_nulls().sort("sample")


def _budgets(attacks: Sequence[Rows]) -> list[float]:
    found = {0.0}
    for rows in attacks:
        if is_minimal(rows):
            found.update(np.linspace(0, end_of(rows), POINTS).tolist())
        else:
            found.update(float(eps) for eps in rows["eps"].drop_nulls().unique())
    return sorted(found)
