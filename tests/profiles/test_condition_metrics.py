"""Expected errors and costs, counted by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from metric_records import records

from roadworthy.errors import UsageError
from roadworthy.metrics.conditions import (
    expected_cost,
    expected_error,
    worst_mixture_cost,
    worst_mixture_error,
)
from roadworthy.metrics.suite import SuiteCells, evaluate_suite
from roadworthy.profiles.base import Condition, Costs, Profile

DAY, NIGHT = "clean", "fog(severity=3)"
# four samples of classes 0 1 2 0; what is said by day, and at night
LABELS, BY_DAY, BY_NIGHT = [0, 1, 2, 0], [0, 1, 0, 0], [1, 1, 0, 2]


def cells(costs: Costs | None = None, *, night: pl.DataFrame | None = None) -> SuiteCells:
    profile = Profile(
        "p", (Condition("day", DAY, 0.75), Condition("night", NIGHT, 0.25)), 0.1, costs
    )
    rows = {
        stress: records(
            stress=stress,
            variant="",
            label=pl.Series(LABELS),
            pred=pl.Series(said),
            correct=pl.Series([a == b for a, b in zip(LABELS, said, strict=True)]),
        )
        for stress, said in ((DAY, BY_DAY), (NIGHT, BY_NIGHT))
    }
    return SuiteCells(
        stresses=(DAY, NIGHT),
        rows=rows if night is None else {**rows, NIGHT: night},
        profile=profile,
        names=("cat", "dog", "owl"),
    )


def value(definition: Any, given: SuiteCells) -> float:
    return float(definition.function(given).value)


def test_errors_are_weighted_by_how_often_conditions_are_met() -> None:
    given = cells()
    assert value(expected_error, given) == pytest.approx(100 * (0.75 * 1 / 4 + 0.25 * 3 / 4))
    assert value(worst_mixture_error, given) == pytest.approx(100 * (0.65 * 1 / 4 + 0.35 * 3 / 4))
    assert expected_cost.function(given) is None
    found = {r.definition.name: r.estimate for r in evaluate_suite("profile", given)}
    assert set(found) == {"expected_error", "worst_mixture_error"}
    assert found["expected_error"].n == 4


def test_costs_are_those_of_the_matrix() -> None:
    """By day an owl for a cat; at night a cat for a dog, an owl for a cat, a cat for an owl."""
    costs = Costs(right=0.5, wrong=1, pairs=(("owl", "cat", 8.0), ("cat", "dog", 3.0)))
    given = cells(costs)
    day, night = (0.5 + 0.5 + 8 + 0.5) / 4, (3 + 0.5 + 8 + 1) / 4
    assert value(expected_cost, given) == pytest.approx(0.75 * day + 0.25 * night)
    assert value(worst_mixture_cost, given) == pytest.approx(0.65 * day + 0.35 * night)


def test_the_worst_mixture_for_costs_need_not_be_that_for_errors() -> None:
    costs = Costs(right=9.0, wrong=1.0)
    assert value(worst_mixture_cost, cells(costs)) > value(expected_cost, cells(costs))
    day, night = (9 * 3 + 1) / 4, (9 * 1 + 3) / 4
    assert value(worst_mixture_cost, cells(costs)) == pytest.approx(0.85 * day + 0.15 * night)


def test_a_right_answer_costs_what_right_ones_do_whatever_output_gave_it() -> None:
    """An answer may be right by another output of the same class."""
    rows = records(stress=NIGHT, variant="", label=0, pred=pl.Series([2, 2, 2, 2]), correct=True)
    given = cells(Costs(pairs=(("cat", "owl", 9.0), ("cat", "cat", 2.0))), night=rows)
    assert value(expected_cost, given) == pytest.approx(0.75 * (2 + 0 + 1 + 2) / 4 + 0.25 * 2)


def test_frames_of_a_sequence_count_by_their_share() -> None:
    frames = records(
        stress=NIGHT,
        frames_correct=[[True, False], [True, True], [False, False], [True, False]],
        frames_pred=[[0, 1], [1, 1], [0, 1], [0, 1]],
        label=pl.Series(LABELS),
        variant="",
    )
    given = cells(night=frames)
    assert value(expected_error, given) == pytest.approx(100 * (0.75 / 4 + 0.25 * (4 / 8)))


def test_only_samples_of_all_conditions_count() -> None:
    few = records(stress=NIGHT, variant="", sample=["s0", "s2"], correct=[False, True])
    estimate: Any = expected_error.function(cells(night=few))
    assert estimate.n == 2
    assert estimate.value == pytest.approx(100 * (0.75 * 1 / 2 + 0.25 * 1 / 2))


def test_a_condition_without_results_is_named() -> None:
    given = cells()
    short = SuiteCells(stresses=given.stresses, rows={DAY: given.rows[DAY]}, profile=given.profile)
    with pytest.raises(UsageError, match=r"condition 'night' \(fog\) has no results"):
        expected_error.function(short)
    other = records(stress=NIGHT, variant="", sample=["x"], correct=[False])
    with pytest.raises(UsageError, match="no image was judged under every condition"):
        expected_error.function(cells(night=other))


def test_an_interval_clusters_by_sample() -> None:
    """Ten conditions that agree on every sample are no more than one."""
    wrong = np.arange(200) % 5 == 0
    one = records(stress=DAY, variant="", correct=pl.Series(~wrong))
    stresses = [f"fog(severity={i})" for i in range(1, 6)]
    profile = Profile("p", tuple(Condition(s, s, 0.2) for s in stresses))
    many = SuiteCells(stresses=stresses, rows=dict.fromkeys(stresses, one), profile=profile)
    alone = Profile("p", (Condition("day", DAY, 1.0),))
    single = SuiteCells(stresses=(DAY,), rows={DAY: one}, profile=alone)
    widths = [
        float(found.high or 0) - float(found.low or 0)
        for found in (expected_error.function(many), expected_error.function(single))
    ]
    assert widths[0] == pytest.approx(widths[1], rel=1e-6)
