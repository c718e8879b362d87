"""Decisions by intervals: right or undecided in 95 % of made-up runs at the bound and around it."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
from metric_populations import Population, Runs, population, simulate, truths
from scipy import stats

from roadworthy.gating.decide import decide
from roadworthy.gating.requirement import parse_requirement
from roadworthy.metrics import METRICS
from roadworthy.metrics.base import Estimate
from roadworthy.metrics.interval import proportion

FEW, MANY, SAMPLES = 150, 1500, 400
FRAMES = {
    "median_l2": "changes",
    **dict.fromkeys(("robust_top1", "success_rate"), "attacked"),
    **dict.fromkeys(("flip_probability", "t5d"), "sequences"),
}
NAMES = (
    "top1", "worst_class_top1", "robust_top1", "success_rate", "median_l2", "disagreement",
    "flip_probability", "t5d", "mean_error", "drop", "nll", "brier", "ece", "aurc",
    "coverage_at_risk",
)  # fmt: skip

VAGUE = ("coverage_at_risk", "worst_class_top1")
"""Their intervals are much wider than four standard errors."""


def of(low: float | None, value: float | None, high: float | None, n: int = 100) -> Estimate:
    return Estimate(value, low, high, n)


@pytest.mark.parametrize(
    ("text", "low", "high", "status"),
    [
        ("top1>=50", 50, 60, "pass"),
        ("top1>50", 50, 60, "undecided"),
        ("top1>=50", 40, 49.9, "fail"),
        ("top1>=50", 40, 50, "undecided"),
        ("top1>50", 40, 50, "fail"),
        ("top1<=50", 40, 50, "pass"),
        ("top1<50", 40, 50, "undecided"),
        ("top1<=50", 50, 60, "undecided"),
        ("top1<50", 50, 60, "fail"),
        ("top1<=50", 50.1, 60, "fail"),
        ("top1>=0", 0, 0, "pass"),
    ],
)
def test_the_whole_interval_decides(text: str, low: float, high: float, status: str) -> None:
    found = decide(parse_requirement(text), of(low, (low + high) / 2, high))
    assert found.status == status


@pytest.mark.parametrize("text", ["top1>=-1e9", "top1<=1e9"])
@pytest.mark.parametrize(
    "found",
    [
        of(None, None, None),
        of(10, 20, 30, n=0),
        of(10, math.nan, 30),
        of(math.nan, 20, 30),
        of(10, 20, math.nan),
        of(None, 20, None),
        of(10, None, 30),
        of(None, None, 30),
    ],
)
def test_what_is_no_number_never_passes(text: str, found: Estimate) -> None:
    decision = decide(parse_requirement(text), found)
    assert decision.status == "undecided"
    assert decision.reason
    assert decision.needed is None


def test_an_infinite_median_is_above_what_its_lower_end_is_above() -> None:
    found = of(0.3, None, None)
    assert decide(parse_requirement("median_l2>=0.3"), found).status == "pass"
    assert decide(parse_requirement("median_l2>=0.4"), found).status == "undecided"
    assert decide(parse_requirement("median_l2<=0.2"), found).status == "fail"
    assert decide(parse_requirement("median_l2<=0.4"), found).status == "undecided"
    endless = of(0.3, 0.5, None)  # a median that is known, of which half or more may hold
    assert decide(parse_requirement("median_l2>=0.3"), endless).status == "pass"
    assert decide(parse_requirement("median_l2<=0.2"), endless).status == "fail"
    assert decide(parse_requirement("median_l2<=0.6"), endless).status == "undecided"
    assert decide(parse_requirement("median_l2<=0.6"), endless).needed is None
    assert decide(parse_requirement("top1>=0.3"), endless).status == "undecided"
    assert decide(parse_requirement("median_l2>=0"), of(0.3, 0.5, math.nan)).status == "undecided"


def test_the_images_needed_are_those_of_the_formula_for_shares() -> None:
    """Around one half an interval of n images is 0.98 / root(n) wide on each side; 80 % power."""
    found = _share(5100, 10_000)
    needed = decide(parse_requirement("top1>=50.1"), found).needed
    assert needed == pytest.approx(7.84 * 0.25 / 0.009**2, rel=0.01)
    assert decide(parse_requirement("top1>=51"), found).needed is None
    towards_fail = decide(parse_requirement("top1>=51.9"), found).needed
    assert towards_fail == pytest.approx(needed, rel=0.01)


def test_so_many_images_do_decide() -> None:
    """Of runs with the number said, four in five are decided the right way."""
    draws = np.random.default_rng(0)
    requirement = parse_requirement("top1>=80")
    small = _share(820, 1000)
    needed = decide(requirement, small).needed
    assert needed is not None
    hits = draws.binomial(needed, 0.82, 1000)
    passed = sum(decide(requirement, _share(int(k), needed)).status == "pass" for k in hits)
    assert 740 < passed < 860


def _share(hits: int, n: int) -> Estimate:
    counts = np.ones(n)
    return proportion((np.arange(n) < hits).astype(float), counts)


@cache
def estimates(name: str, runs: int) -> tuple[float, list[Estimate]]:
    people, made = _world(runs)
    definition = METRICS[name]
    found = []
    for run in range(runs):
        rows = (made.of(getattr(made, FRAMES.get(name, "rows")), run),)
        clean = (made.of(made.clean, run),) if definition.paired else ()
        found.append(definition.function(*rows, *clean))
    return truths(people)[name], found


@cache
def _world(runs: int) -> tuple[Population, Runs]:
    people = population(3)
    return people, simulate(people, runs=runs, samples=SAMPLES)


def check_decisions(name: str, operator: str, runs: int, most: float) -> None:
    """At the bound, on either side of it, and where about half of the runs can be decided."""
    truth, made = estimates(name, runs)
    spread = float(np.std([float(one.value or 0) for one in made]))
    for away in (-2.0, -1.0, -0.01, 0.0, 0.01, 1.0, 2.0):
        requirement = parse_requirement(f"{name}{operator}{float(truth + away * spread)!r}")
        right = "pass" if requirement.holds(truth) else "fail"
        decisions = [decide(requirement, one).status for one in made]
        wrong = sum(status not in (right, "undecided") for status in decisions)
        assert wrong <= most
        if abs(away) == 2 and name not in VAGUE:
            assert sum(status == right for status in decisions) > 0.2 * runs


@pytest.mark.parametrize("operator", [">=", "<="])
@pytest.mark.parametrize("name", NAMES)
def test_some_runs_are_decided_rightly_or_not_at_all(name: str, operator: str) -> None:
    most = float(stats.binom.ppf(0.999, FEW, 0.05))  # what a rate of 5 % may come to
    check_decisions(name, operator, FEW, most)


@pytest.mark.slow
@pytest.mark.parametrize("operator", [">=", "<="])
@pytest.mark.parametrize("name", NAMES)
def test_95_percent_are_decided_rightly_or_not_at_all(name: str, operator: str) -> None:
    check_decisions(name, operator, MANY, 0.05 * MANY)
