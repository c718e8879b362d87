"""95 % intervals of curves, their areas and worst cases contain the truth in 93 to 97 % of runs."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from roadworthy.metrics import METRICS
from roadworthy.metrics.base import Estimate
from roadworthy.metrics.order import median
from roadworthy.metrics.robustness import robustness_curve
from roadworthy.metrics.suite import SuiteCells, suite_metrics

RUNS, SAMPLES, KINDS = 500, 300, 5000
BUDGETS = (0.25, 0.5, 1.5)
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@cache
def people() -> tuple[Bools, Floats, Floats]:
    """Return of each kind of image whether it is right when clean, and its distances by two attacks."""
    draws = np.random.default_rng(3)
    right = draws.random(KINDS) < 0.85
    skill = draws.lognormal(-0.3, 0.8, KINDS)
    distances = skill[:, None] * draws.lognormal(0, 0.3, (KINDS, 2))
    distances[draws.random(KINDS) < 0.1] = np.inf
    reach = np.where(right[:, None], distances, 0.0)
    return right, reach[:, 0], reach[:, 1]


def smallest(drawn: NDArray[np.int64], second: bool = False) -> pl.DataFrame:
    """Return the records of an attack for the smallest change on these kinds of image."""
    right, reach = people()[0][drawn], people()[2 if second else 1][drawn]
    fell = right & np.isfinite(reach)
    return _records(right, fell).with_columns(
        l2=pl.when(pl.Series(fell | ~right)).then(pl.Series(reach)).cast(pl.Float32)
    )


def budgeted(drawn: NDArray[np.int64], budgets: tuple[float, ...] = BUDGETS) -> pl.DataFrame:
    """Return the records of an attack with these budgets."""
    right, reach = people()[0][drawn], people()[1][drawn]
    return pl.concat(
        _records(right, right & (reach <= eps)).with_columns(
            eps=pl.lit(eps, pl.Float32), variant=pl.lit(f"eps={eps}")
        )
        for eps in budgets
    )


def _records(right: Bools, fell: Bools) -> pl.DataFrame:
    """Return only the columns that are looked at: whole records take long to make."""
    frame = pl.DataFrame({"sample": np.arange(len(right)), "correct": right & ~fell, "fell": fell})
    texts = {"norm": "L2", "frame_size": "32x32", "stress": "a", "variant": "", "model": "m"}
    texts |= {"data": "d", "precision": "fp32"}
    whole = {"eps_numerator": pl.Int64, "eps_denominator": pl.Int64, "eps": pl.Float32}
    return frame.with_columns(
        *(pl.lit(text).alias(name) for name, text in texts.items()),
        *(pl.lit(None, kind).alias(name) for name, kind in whole.items()),
        status=pl.Series(np.where(right, "ok", "clean_error")),
        success=pl.when(pl.Series(right)).then("fell"),
    )


def of_point(drawn: NDArray[np.int64]) -> Estimate:
    return robustness_curve(smallest(drawn), [0.5])[0].estimate


def of_worst_case(drawn: NDArray[np.int64]) -> Estimate:
    members = {"a": budgeted(drawn, (0.5,)), "b": smallest(drawn, second=True)}
    found = suite_metrics("attacks")["worst_case_top1"].function(
        SuiteCells(stresses=tuple(members), rows=members)
    )
    assert isinstance(found, Estimate)
    return found


def area_of(rows: pl.DataFrame) -> Estimate:
    found = METRICS["curve_area"].function(rows)
    assert isinstance(found, Estimate)
    return found


def truth(name: str) -> float:
    _, one, two = people()
    at = [0.0, *BUDGETS]
    shares = [float((one > b).mean()) for b in at]
    return {
        "point": 100 * float((one > 0.5).mean()),
        "worst_case": 100 * float(((one > 0.5) & (two > 0.5)).mean()),
        "area": 50 * float(np.minimum(one, 2.0).mean()),
        "area_of_budgets": 100 * float(np.trapezoid(shares, at)) / at[-1],
    }[name]


OF: dict[str, Callable[[NDArray[np.int64]], Estimate]] = {
    "point": of_point,
    "worst_case": of_worst_case,
    "area": lambda drawn: area_of(smallest(drawn)),
    "area_of_budgets": lambda drawn: area_of(budgeted(drawn)),
}


@pytest.mark.parametrize("name", OF)
def test_interval_covers_the_truth(name: str) -> None:
    draws, known, hits = np.random.default_rng(8), truth(name), 0
    for _ in range(RUNS):
        got = OF[name](draws.integers(0, KINDS, SAMPLES))
        assert got.low is not None
        assert got.high is not None
        hits += got.low <= known <= got.high
    assert 0.93 <= hits / RUNS <= 0.97


@pytest.mark.parametrize("samples", [30, 101, 400])
def test_interval_of_a_median_covers_whatever_is_infinite(samples: int) -> None:
    draws, hits = np.random.default_rng(2), 0
    known = float(np.quantile(np.exp(np.linspace(-9, 9, 1001)), 0.5 / 0.7))  # 30 % are infinite
    for _ in range(4000):
        values = np.exp(draws.uniform(-9, 9, samples))
        values[draws.random(samples) < 0.3] = np.inf
        got = median(values)
        low = -np.inf if got.low is None else got.low
        hits += low <= known <= (np.inf if got.high is None else got.high)
    assert 0.93 <= hits / 4000 <= 0.97
