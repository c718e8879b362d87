"""Means and medians of CLEVER scores, from records made by hand."""

from __future__ import annotations

import math
from typing import Any

import polars as pl
import pytest
from metric_records import records

from roadworthy.metrics import METRICS, evaluate_all
from roadworthy.metrics.base import Estimate


def scored(*values: float | None, **more: Any) -> pl.DataFrame:
    """Return the records of the probe; an image without a score stays right."""
    given = {"stress": "clever", "variant": "", "frame_size": "32x32", "correct": True, **more}
    return records(clever=list(values), **given)


def evaluated(name: str, rows: pl.DataFrame) -> Estimate:
    result = METRICS[name].function(rows)
    assert isinstance(result, Estimate)
    return result


def test_the_mean_is_over_images_that_are_right_when_clean_and_have_a_score() -> None:
    status = ["ok", "ok", "ok", "clean_error", "ok"]
    rows = scored(0.2, 0.3, 0.7, None, None, status=status)
    found = evaluated("clever", rows)
    assert found.value == pytest.approx(0.4)
    assert found.n == 3
    half = 4.302653 * math.sqrt((0.04 + 0.01 + 0.09) / 6)  # Student's t, two degrees of freedom
    assert found.low == 0.0  # no distance is negative: 0.4 - 0.657
    assert found.high == pytest.approx(0.4 + half, rel=1e-5)
    assert evaluated("median_clever", rows).value == pytest.approx(0.3)


def test_the_unit_of_the_survey_is_the_score_by_the_number_of_elements() -> None:
    rows = scored(0.2, 0.3, 0.7, frame_size="16x8")
    whole, each = evaluated("clever", rows), evaluated("clever_per_pixel", rows)
    assert each.value == pytest.approx(0.4 / (16 * 8 * 3))
    assert each.high is not None
    assert whole.high is not None
    assert each.high == pytest.approx(whole.high / (16 * 8 * 3))
    assert METRICS["clever_per_pixel"].function(rows.with_columns(frame_size=None)) is None


def test_distances_of_several_variants_have_no_mean() -> None:
    rows = scored(0.2, 0.3, 0.7, 0.9, variant=["norm=L2", "norm=Linf"] * 2)
    for name in ("clever", "median_clever", "clever_per_pixel"):
        assert METRICS[name].function(rows) is None
        assert METRICS[name].function(rows.filter(variant="norm=L2")) is not None


def test_nothing_was_scored() -> None:
    for rows in (scored(None, None), scored(), records(correct=[True], clever=[None])):
        for name in ("clever", "median_clever", "clever_per_pixel"):
            assert METRICS[name].function(rows) is None


def test_metrics_of_attacks_do_not_apply() -> None:
    named = {metric.name for metric, _ in evaluate_all(scored(0.2, 0.3, 0.7), None)}
    assert named == {"clever", "median_clever", "clever_per_pixel", "top1", "worst_class_top1"}
