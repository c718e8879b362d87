"""95 % intervals of paired differences contain the truth in 92 to 98 % of made-up pairs of runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import polars as pl
import pytest
from metric_populations import Population, Runs, population, simulate, truths

from roadworthy.metrics import METRICS
from roadworthy.metrics.base import FRACTIONS, Estimate, MetricDefinition
from roadworthy.metrics.difference import difference, pair

RUNS, FEW, SAMPLES, OTHER_LUCK = 1500, 200, 400, 23
QUICK = ("top1", "success_rate", "nll", "aurc", "ece", "median_l2", "flip_probability", "drop")
FRAMES: Mapping[str, str] = {
    "median_l2": "changes",
    **dict.fromkeys(("robust_top1", "success_rate"), "attacked"),
    **dict.fromkeys(("flip_probability", "t5d", "zipf_distance"), "sequences"),
}
NAMES = sorted(truths(population(1)))
CONSERVATIVE = {"coverage_at_risk", "worst_class_top1"}
"""The interval of two independent runs; that of a minimum, which is wide by itself."""


def weaker(people: Population) -> Population:
    """Return a classifier that fails on the same kinds of samples, somewhat more often."""
    right = people.right**1.3
    return replace(
        people,
        right=right,
        clean=people.clean**1.1,
        survives=right**2,
        changes=0.7 * (1 - right),
        flips=0.9 * people.flips,
        loss=-np.log(right),
        brier=0.2 + 1.2 * (1 - right),
        distance=0.9 * people.distance,
    )


@cache
def both(variants: int, luck: int | None, count: int = FEW) -> tuple[tuple[Population, Runs], ...]:
    first = population(variants)
    second = weaker(first)
    return (
        (first, simulate(first, runs=count, samples=SAMPLES)),
        (second, simulate(second, runs=count, samples=SAMPLES, luck=luck)),
    )


def frames(definition: MetricDefinition, runs: Runs, run: int) -> tuple[pl.DataFrame, ...]:
    rows = runs.of(getattr(runs, FRAMES.get(definition.name, "rows")), run)
    return (rows, runs.of(runs.clean, run)) if definition.paired else (rows,)


def found(definition: MetricDefinition, runs: Runs, run: int) -> tuple[Estimate, Any]:
    given = frames(definition, runs, run)
    each = definition.contributions
    return definition.function(*given), None if each is None else each(*given)


def coverage(name: str, variants: int, luck: int | None, count: int) -> float:
    definition = METRICS[name]
    (one, before), (other, after) = both(variants, luck, count)
    truth, hits = truths(other)[name] - truths(one)[name], 0
    for run in range(count):
        (a, of_a), (b, of_b) = (found(definition, runs, run) for runs in (before, after))
        joined = None if of_a is None else pair(of_a, of_b)
        result = difference(a, b, joined, unit=definition.unit, statistic=definition.statistic)
        assert result.value == pytest.approx(float(b.value or 0) - float(a.value or 0), abs=1e-9)
        hits += float(result.low or 0) <= truth <= float(result.high or 0)
    return hits / count


@pytest.mark.slow
@pytest.mark.parametrize("luck", [None, OTHER_LUCK], ids=["same-luck", "own-luck"])
@pytest.mark.parametrize("name", NAMES)
def test_a_paired_interval_covers_the_true_difference(name: str, luck: int | None) -> None:
    share = coverage(name, 5 if name == "curve_area" else 3, luck, RUNS)
    assert 0.92 <= share <= (1 if name in CONSERVATIVE else 0.98)


@pytest.mark.parametrize("name", QUICK)
def test_a_paired_interval_covers_in_some_runs(name: str) -> None:
    assert 0.91 <= coverage(name, 3, OTHER_LUCK, FEW) <= 0.99


@pytest.mark.parametrize("name", NAMES)
def test_contributions_have_the_metric_as_their_mean_or_median(name: str) -> None:
    definition = METRICS[name]
    if definition.contributions is None:
        pytest.skip(f"{name} says nothing of single samples")
    runs = both(5 if name == "curve_area" else 3, None)[0][1]
    estimate, each = found(definition, runs, 0)
    values = each["value"].cast(pl.Float64).drop_nulls().to_numpy()
    middle = np.mean(values) if definition.statistic == "mean" else np.median(values)
    scale = 100 if definition.unit in FRACTIONS else 1
    assert scale * middle == pytest.approx(estimate.value, rel=1e-5)
