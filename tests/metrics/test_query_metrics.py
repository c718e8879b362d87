"""What was reached after so many queries, on records small enough to work out on paper."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import polars as pl
import pytest
from attack_records import budgeted, minimal
from metric_records import records

from roadworthy.metrics import METRICS, evaluate_all
from roadworthy.metrics.base import Estimate
from roadworthy.metrics.interval import wilson
from roadworthy.metrics.order import median

NAMES = [f"success_at_{q}_queries" for q in (100, 1000, 5000, 10000)]
HELD = math.inf


def asked(*first: float | None, limit: int = 10_000, **more: Any) -> pl.DataFrame:
    """Return the records of an attack by queries: the one that reached the goal, HELD or None.

    None is an image that is wrong when clean.
    """
    tried = [f is not None for f in first]
    done = [f is not None and math.isfinite(f) for f in first]
    steps = [0 if f is None else int(f) if math.isfinite(f) else limit for f in first]
    given: dict[str, Any] = {
        "stress": "square(eps=8/255)",
        "norm": "Linf",
        "eps": 8 / 255,
        "status": ["ok" if t else "clean_error" for t in tried],
        "success": [d if t else None for t, d in zip(tried, done, strict=True)],
        "correct": [t and not d for t, d in zip(tried, done, strict=True)],
        "steps_used": [s if t else None for t, s in zip(tried, steps, strict=True)],
        "step_success": [s if d else None for d, s in zip(done, steps, strict=True)],
        "queries": steps,
        "forwards": steps,
        "backwards": 0,
    }
    return records(**{**given, **more})


def evaluated(name: str, rows: pl.DataFrame) -> Estimate:
    result = METRICS[name].function(rows)
    assert isinstance(result, Estimate), name
    return result


def values(rows: pl.DataFrame, names: Sequence[str] = NAMES) -> list[float | None]:
    return [evaluated(name, rows).value for name in names]


def test_success_is_counted_up_to_each_budget_and_the_query_itself_belongs_to_it() -> None:
    rows = asked(1, 100, 101, 1000, 1001, 5000, 9999, 10_000, HELD, HELD, None, None)
    assert values(rows) == [20.0, 40.0, 60.0, 80.0]  # of ten: two were wrong already
    assert evaluated("success_rate", rows).value == 80.0
    found = evaluated(NAMES[0], rows)
    low, high = wilson(2, 10)
    assert (found.low, found.high) == pytest.approx((100 * float(low), 100 * float(high)))
    assert found.n == 10


def test_budgets_beyond_what_was_run_are_unknown() -> None:
    rows = asked(5, 700, HELD, limit=1000)
    assert values(rows) == [pytest.approx(100 / 3), pytest.approx(200 / 3), None, None]
    assert evaluated(NAMES[2], rows).n == 3
    # where nothing held more queries would have changed nothing
    assert values(asked(5, 700, limit=1000)) == [50.0, 100.0, 100.0, 100.0]
    # one image that was given up early leaves all larger budgets open
    short = asked(5, HELD, HELD, steps_used=[5, 99, 1000], queries=[5, 99, 1000])
    assert values(short) == [None] * 4


def test_failures_enter_the_median_as_infinity() -> None:
    found = evaluated("median_queries", asked(10, 30, 50, HELD, None))
    assert (found.value, found.n) == (40.0, 4)
    assert evaluated("median_queries", asked(10, 30, HELD)).value == 30.0
    assert evaluated("median_queries", asked(10, HELD, HELD)).value is None
    many = asked(*range(1, 31), *[HELD] * 5)
    whole = median(pl.Series([float(v) for v in range(1, 31)] + [math.inf] * 5).to_numpy())
    assert evaluated("median_queries", many) == whole
    assert whole.low is not None


def test_of_several_rows_of_an_image_the_earliest_is_its_number() -> None:
    rows = pl.concat([asked(40, HELD, 7), asked(20, 60, HELD, eps=0.1)])
    assert evaluated("median_queries", rows).value == 20.0
    assert evaluated(NAMES[0], rows).value == pytest.approx(400 / 6)
    assert evaluated(NAMES[0], rows).n == 3


def test_a_success_that_the_judge_does_not_confirm_is_none() -> None:
    # it left at query 30; what it left with holds in bfloat16 only
    rows = asked(30, 50, HELD).with_columns(success=pl.Series([False, True, False]))
    assert values(rows) == [pytest.approx(100 / 3)] * 4
    # an attack that does not stop reached the goal at query 30 and went past it
    passed = rows.with_columns(steps_used=pl.lit(10_000), queries=pl.lit(10_000))
    assert values(passed) == [pytest.approx(200 / 3)] * 4
    # the judge sees what the attack had no query left to see
    seen = asked(30, HELD).with_columns(success=pl.Series([True, True]))
    assert values(seen) == [50.0, 50.0, 50.0, 100.0]


@pytest.mark.parametrize(
    "rows",
    [
        records(correct=[True, False]),
        minimal(0.5, 1.0),
        budgeted([(1, 4)], [True], [False]),
        asked(5, HELD, backwards=[0, 7]),
        asked(5, HELD, backwards=None),
        asked(5, HELD, steps_used=[5, None]),
        asked(5, HELD, steps_used=[5, 10_001]),
        asked(5, HELD, eps=None, linf=[0.1, None]),
        asked(None, None),
    ],
    ids=[
        "no attack",
        "smallest change",
        "no steps noted",
        "gradients",
        "gradients unknown",
        "some steps",
        "more steps than queries",
        "smallest change by queries",
        "nothing attacked",
    ],
)
def test_other_records_have_no_queries(rows: pl.DataFrame) -> None:
    for name in (*NAMES, "median_queries"):
        assert METRICS[name].function(rows) is None
    assert not {d.name for d, _ in evaluate_all(rows, None)} & {*NAMES, "median_queries"}


def test_they_are_found_with_all_others() -> None:
    rows = asked(5, HELD, None)
    found = {d.name: e.value for d, e in evaluate_all(rows, None)}
    assert found["robust_top1"] == pytest.approx(100 / 3)
    assert [found[name] for name in NAMES] == [50.0] * 4
    assert {METRICS[name].direction for name in NAMES} == {"lower"}
    assert METRICS["median_queries"].direction == "higher"
