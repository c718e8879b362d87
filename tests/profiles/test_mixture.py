"""The worst plausible mixture against a linear program, and intervals that allow for the choice."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.stats import norm

from roadworthy.metrics.conditions import worst_mixture_error
from roadworthy.metrics.mixture import Plausible
from roadworthy.metrics.suite import SuiteCells
from roadworthy.profiles.base import Condition, Profile

Floats = NDArray[np.float64]


@st.composite
def problems(draw: st.DrawFn) -> tuple[Plausible, Floats]:
    count = draw(st.integers(1, 5))
    weights = np.array(draw(st.lists(st.integers(1, 9), min_size=count, max_size=count)), float)
    p = weights / weights.sum()
    fractions = st.lists(st.sampled_from([0.0, 0.3, 1.0]), min_size=count, max_size=count)
    spare = p * np.array(draw(fractions))
    room = (1 - p) * np.array(draw(fractions))
    distance = draw(st.sampled_from([0.0, 0.05, 0.2, 1.0]))
    few = st.sampled_from([0.1, 0.1, 0.3, 0.5, 0.9])
    values = np.array(draw(st.lists(few, min_size=count, max_size=count)))
    return Plausible(p, spare, room, distance), values


def by_program(plausible: Plausible, values: Floats) -> float:
    """Maximise the mean over q = p + up - down, up and down within their bounds, by the simplex."""
    count = len(values)
    ones = np.ones(count)
    found = linprog(
        np.concatenate([-values, values]),
        A_eq=[np.concatenate([ones, -ones])],
        b_eq=[0],
        A_ub=[np.concatenate([ones, 0 * ones])],
        b_ub=[plausible.distance],
        bounds=[*((0, r) for r in plausible.room), *((0, s) for s in plausible.spare)],
    )
    return float(plausible.given @ values) - float(found.fun or 0)


@settings(max_examples=150, deadline=None)
@given(problems())
def test_the_worst_mixture_solves_the_linear_program(problem: tuple[Plausible, Floats]) -> None:
    plausible, values = problem
    found = plausible.worst(values)
    best = by_program(plausible, values)
    assert found @ values == pytest.approx(best, abs=1e-9)
    assert plausible.largest(values[None])[0] == pytest.approx(best, abs=1e-9)
    assert found.sum() == pytest.approx(1)
    assert np.abs(found - plausible.given).sum() / 2 <= plausible.distance + 1e-9
    assert (found >= plausible.given - plausible.spare - 1e-9).all()
    assert (found <= plausible.given + plausible.room + 1e-9).all()


def coverage(
    means: list[float], distance: float, together: float, runs: int
) -> tuple[float, float]:
    """Return how often the interval lies above, and below, the true worst mixture."""
    import polars as pl
    from metric_records import records

    draws = np.random.default_rng(5)
    count, n = len(means), 150
    p = np.array([0.4, 0.3, 0.2, 0.1])[:count]
    stresses = [f"fog(severity={i + 1})" for i in range(count)]
    profile = Profile(
        "p",
        tuple(Condition(s, s, float(q)) for s, q in zip(stresses, p, strict=True)),
        distance=distance,
    )
    truth = 100 * by_program(Plausible.of(profile), np.array(means))
    above = below = 0
    for _ in range(runs):
        common = np.sqrt(together) * draws.normal(size=(n, 1))
        luck = common + np.sqrt(1 - together) * draws.normal(size=(n, count))
        wrong = luck < norm.ppf(means)
        rows = {
            s: records(stress=s, variant="", correct=pl.Series(~wrong[:, i]))
            for i, s in enumerate(stresses)
        }
        estimate: Any = worst_mixture_error.function(
            SuiteCells(stresses=stresses, rows=rows, profile=profile)
        )
        above += estimate.low > truth
        below += estimate.high < truth
    return above / runs, below / runs


@pytest.mark.parametrize(
    ("means", "distance"), [([0.3] * 4, 1.0), ([0.3] * 4, 0.2), ([0.1, 0.1, 0.1, 0.4], 0.3)]
)
def test_the_interval_allows_for_having_chosen_the_worst(
    means: list[float], distance: float
) -> None:
    above, below = coverage(means, distance, 0.2, 150)
    assert above <= 0.07
    assert below <= 0.07


@pytest.mark.slow
@pytest.mark.parametrize("together", [0.2, 0.7])
@pytest.mark.parametrize("distance", [0.1, 1.0])
@pytest.mark.parametrize(
    "means", [[0.3] * 4, [0.2, 0.25, 0.3, 0.35], [0.1, 0.1, 0.1, 0.4]], ids=str
)
def test_it_does_so_for_alike_and_different_conditions(
    means: list[float], distance: float, together: float
) -> None:
    above, below = coverage(means, distance, together, 500)
    assert above <= 0.04
    assert below <= 0.05
