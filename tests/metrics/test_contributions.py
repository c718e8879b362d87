"""What images contribute to a metric has the metric as its mean or median, for every metric there is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from metric_records import records
from test_metric_intervals import (
    SEVERITIES,
    SINGLE_VARIANT,
    cell,
    clean_of,
    fitted,
    norm_for,
)
from test_pipeline_metrics import suite

from roadworthy.metrics import METRICS
from roadworthy.metrics.base import FRACTIONS
from roadworthy.metrics.suite import suite_metrics

SILENT = {"coverage_at_risk", "mcnemar_p"}
"""Metrics without contributions: their differences have the interval of two independent runs."""


SEQUENCES = ("flip_probability", "t5d", "zipf_distance")


def check(definition: Any, given: tuple[Any, ...]) -> bool:
    """Return whether the metric applies; where it does, compare it with its contributions."""
    estimate, each = definition.function(*given), definition.contributions(*given)
    if estimate is None or estimate.value is None:
        return False
    values = each["value"].cast(pl.Float64).drop_nulls().to_numpy()
    middle = np.mean(values) if definition.statistic == "mean" else np.median(values)
    scale = 100 if definition.unit in FRACTIONS else 1
    assert scale * middle == pytest.approx(estimate.value, rel=1e-6, abs=1e-9)
    return True


def test_few_metrics_say_nothing_of_single_images() -> None:
    assert {name for name, d in METRICS.items() if d.contributions is None} == SILENT


@pytest.mark.parametrize("name", sorted(set(METRICS) - SILENT))
def test_a_metric_is_the_mean_or_median_of_its_contributions(name: str) -> None:
    variants = 1 if name in SINGLE_VARIANT else 3
    rows = fitted(cell(80, variants=variants, norm=norm_for(name)), name)
    if name in SEQUENCES:
        draws = np.random.default_rng(3)
        rows = records(
            frames_flip=(draws.random((40, 6)) < 0.3).tolist(),
            frames_top5_distance=draws.integers(0, 15, (40, 6)).tolist(),
            frames_zipf=draws.random((40, 6)).tolist(),
        )
    clean = clean_of(rows)
    if name in SEVERITIES:
        rows = cell(80, variants=5).with_columns(severity=pl.int_range(pl.len()) % 5 + 1)
    definition = METRICS[name]
    assert check(definition, (rows, clean) if definition.paired else (rows,))


@pytest.mark.parametrize("name", sorted(set(suite_metrics("systematic")) - {"detectable_drop"}))
def test_so_are_metrics_over_pipelines(name: str) -> None:
    draws = np.random.default_rng(1)
    right = draws.random((60, 4)) < 0.7
    others = {f"r{k}": right[:, k] for k in (1, 2, 3)}
    cells = suite(right[:, 0], others)
    moved = {
        stress: rows.with_columns(
            kl_ref=pl.Series(draws.random(60), dtype=pl.Float32),
            zipf_ref=pl.Series(draws.random(60), dtype=pl.Float32),
        )
        for stress, rows in cells.rows.items()
    }
    assert check(suite_metrics("systematic")[name], (replace(cells, rows=moved),))


def test_influences_on_a_spread_are_those_of_the_jackknife() -> None:
    draws = np.random.default_rng(2)
    right = draws.random((50, 3)) < np.array([0.9, 0.6, 0.4])
    definition = suite_metrics("systematic")["pipeline_std"]
    whole = suite(right[:, 0], {f"r{k}": right[:, k] for k in (1, 2)})
    value = float(definition.function(whole).value)
    without = []
    for out in range(50):
        kept = np.delete(right, out, axis=0)
        cells = suite(kept[:, 0], {f"r{k}": kept[:, k] for k in (1, 2)})
        without.append(float(definition.function(cells).value))
    assert definition.contributions is not None
    each = definition.contributions(whole)
    assert each is not None
    influence = 100 * each.sort("sample")["value"].to_numpy() - value
    order = np.argsort([f"s{i}" for i in range(50)])
    assert np.corrcoef(influence, (value - np.array(without))[order])[0, 1] > 0.999
