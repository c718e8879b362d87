from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from roadworthy.studies.line import frontier, leverages, lines, stand_out

RNG = np.random.default_rng(4)


def test_a_line_is_that_of_scipy() -> None:
    x, y = RNG.normal(size=(2, 18))
    ours, theirs = lines(x, y, np.ones(18)), stats.linregress(x, y)
    assert ours.slope == pytest.approx(theirs.slope, rel=1e-12)
    assert ours.intercept == pytest.approx(theirs.intercept, rel=1e-12)
    assert ours.r2 == pytest.approx(theirs.rvalue**2, rel=1e-12)


def test_a_weight_of_three_is_the_point_three_times() -> None:
    x, y = RNG.normal(size=(2, 6))
    weights = np.array([3.0, 1, 0, 2, 1, 0])
    often = np.repeat(np.arange(6), weights.astype(int))
    theirs = stats.linregress(x[often], y[often])
    ours = lines(x, y, weights)
    assert ours.slope == pytest.approx(theirs.slope)
    assert ours.intercept == pytest.approx(theirs.intercept)
    assert ours.r2 == pytest.approx(theirs.rvalue**2)


def test_many_sets_of_weights_are_each_as_alone() -> None:
    x, y = RNG.normal(size=(2, 7))
    weights = RNG.integers(0, 3, (20, 7)).astype(float)
    together = lines(x, y, weights)
    for i, one in enumerate(weights):
        alone = lines(x, y, one)
        np.testing.assert_allclose(together.slope[i], alone.slope)
        np.testing.assert_allclose(together.r2[i], alone.r2)


def test_a_perfect_line_explains_everything() -> None:
    x = np.array([-1.7, -1.2, -0.9, -0.2])
    found = lines(x, 6.2 + 2.9 * x, np.ones(4))
    assert found.slope == pytest.approx(2.9)
    assert found.intercept == pytest.approx(6.2)
    assert found.r2 == pytest.approx(1.0)


def test_points_that_are_not_finite_do_not_count() -> None:
    x, y = np.array([0.0, 1, 2, 3, -np.inf]), np.array([0.0, 1, np.inf, 3, 7])
    assert lines(x, y, np.ones(5)).slope == pytest.approx(1.0)
    y[1] = np.nan
    assert np.isnan(lines(x, y, np.ones(5)).slope)  # two points are left


def test_there_is_no_line_through_two_models_or_through_one_accuracy() -> None:
    assert np.isnan(lines(np.array([0.0, 1.0]), np.array([1.0, 2.0]), np.ones(2)).slope)
    same = np.full(5, np.log(0.3))
    assert np.isnan(lines(same, RNG.normal(size=5), np.ones(5)).slope)
    flat = lines(np.arange(4.0), np.full(4, 2.0), np.ones(4))
    assert flat.slope == 0
    assert np.isnan(flat.r2)


def test_leverages_are_the_diagonal_of_the_hat_matrix() -> None:
    x = RNG.normal(size=9)
    design = np.column_stack([np.ones(9), x])
    hat = design @ np.linalg.inv(design.T @ design) @ design.T
    np.testing.assert_allclose(leverages(x), np.diag(hat))
    assert leverages(x).sum() == pytest.approx(2.0)
    with_gap = leverages(np.append(x, np.inf))
    np.testing.assert_allclose(with_gap[:-1], np.diag(hat))
    assert np.isnan(with_gap[-1])


def test_a_network_as_far_off_as_alexnet_stands_out() -> None:
    accuracy = np.array([0.40, 0.70, 0.71, 0.72, 0.73, 0.735, 0.74, 0.75, 0.76, 0.77])
    assert stand_out(np.log(1 - accuracy)).tolist() == [True] + [False] * 9
    assert not stand_out(np.log(1 - accuracy[1:])).any()
    for _ in range(20):
        x = RNG.standard_t(3, size=18)
        assert stand_out(x).tolist() == (leverages(x) > 2 * 2 / 18).tolist()


def test_a_frontier_by_hand() -> None:
    #                     A     B     C     D     E
    accuracy = np.array([0.57, 0.72, 0.70, 0.80, 0.80])
    distance = np.array([3.70, 2.60, 1.00, 1.50, 1.20])
    # C is beaten by B in both, E by D in the one and not in the other
    assert frontier(accuracy, distance, np.ones(5, bool)).tolist() == [
        True,
        True,
        False,
        True,
        False,
    ]
    without_b = np.array([True, False, True, True, True])
    assert frontier(accuracy, distance, without_b).tolist() == [True, False, False, True, False]
    without_bd = np.array([True, False, True, False, True])
    assert frontier(accuracy, distance, without_bd).tolist() == [True, False, False, False, True]


def test_equal_models_do_not_push_each_other_off_the_frontier() -> None:
    twice = frontier(np.array([0.7, 0.7, 0.7]), np.array([1.0, 1.0, 0.9]), np.ones(3, bool))
    assert twice.tolist() == [True, True, False]


def test_the_frontier_agrees_with_its_definition_on_random_models() -> None:
    for _ in range(30):
        a, d = RNG.integers(0, 5, (2, 8)).astype(float)
        d[0] = np.nan
        present = RNG.uniform(size=8) < 0.8
        slowly = [
            present[i]
            and i > 0
            and not any(
                present[j]
                and j > 0
                and a[j] >= a[i]
                and d[j] >= d[i]
                and (a[j], d[j]) != (a[i], d[i])
                for j in range(8)
            )
            for i in range(8)
        ]
        assert frontier(a, d, present).tolist() == slowly
