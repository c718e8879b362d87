"""How near attacks by decisions had come after so many queries, on records worked out by hand."""

from __future__ import annotations

import math

import polars as pl
import pytest
from attack_records import WRONG, Came, budgeted, minimal

from roadworthy.metrics import METRICS, evaluate_all
from roadworthy.metrics.base import Estimate

NAME = "median_change_after_{}_queries"


def walked(came: list[Came], after: list[list[float] | None]) -> pl.DataFrame:
    column = pl.Series("nearest_after", after, pl.List(pl.Float32))
    return minimal(*came, stress="boundary").with_columns(column)


def after(rows: pl.DataFrame, queries: int) -> Estimate:
    found = METRICS[NAME.format(queries)].function(rows)
    assert isinstance(found, Estimate)
    return found


def test_each_budget_has_its_median_and_clean_errors_do_not_count() -> None:
    rows = walked(
        [0.5, 1.0, 2.0, WRONG],
        [[4.0, 0.5, 0.5, 0.5], [8.0, 2.0, 1.0, 1.0], [math.inf, 3.0, 2.5, 2.0], None],
    )
    assert [after(rows, q).value for q in (100, 1000, 5000, 10_000)] == [8.0, 2.0, 1.0, 1.0]
    assert after(rows, 100).n == 3


def test_what_does_not_hold_counts_as_infinite() -> None:
    rows = walked([math.inf, 1.0, 2.0], [[1.0], [1.5], [3.0]])
    assert after(rows, 100).value == 3.0
    none = after(walked([math.inf, math.inf, 2.0], [[math.inf], [math.inf], [3.0]]), 100)
    assert none.value is None
    assert none.reason == "something was found on 1 of 3 images by then"


def test_a_budget_that_was_not_run_is_not_made_up() -> None:
    found = after(walked([1.0, 2.0], [[1.5, 1.0], [3.0, 2.0]]), 5000)
    assert found.value is None
    assert found.reason == "the attack had a budget of fewer than 5,000 queries"


@pytest.mark.parametrize("rows", [minimal(1.0, 2.0), budgeted([(1, 255)], [True], [False])])
def test_other_attacks_have_none(rows: pl.DataFrame) -> None:
    assert METRICS[NAME.format(100)].function(rows) is None
    names = [found.name for found, _ in evaluate_all(rows, None)]
    assert not [name for name in names if name.startswith("median_change_after")]
