"""Points drawn from the balls of the norms are uniform: their laws are known in closed form."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
from scipy.stats import beta, kstest, uniform

from roadworthy.errors import UsageError
from roadworthy.stress._norms import GEOMETRIES
from roadworthy.stress.draws import FastDraws, Floats, Singles

ORDERS = {"L2": 2.0, "Linf": np.inf, "L1": 1.0}
COUNT = 6000
SURE = 1e-3


def points(norm: str, size: int, count: int = COUNT, seed: int = 0) -> Floats:
    drawn = GEOMETRIES[norm].inside(FastDraws(np.random.default_rng(seed)), count, size)
    assert drawn.shape == (count, size)
    assert drawn.dtype == np.float32
    return drawn.astype(float)


@pytest.mark.parametrize("norm", ORDERS)
@pytest.mark.parametrize("size", [2, 5])
def test_the_volume_inside_a_point_is_uniform(norm: str, size: int) -> None:
    length = np.linalg.norm(points(norm, size), ord=ORDERS[norm], axis=1)
    assert length.max() <= 1 + 1e-6
    assert kstest(length**size, uniform().cdf).pvalue > SURE


def share_below(norm: str, value: Floats) -> Floats:
    """Return the share of the ball, of four dimensions, whose first coordinate is below ``value``."""
    size = 4
    if norm == "Linf":
        return np.asarray((value + 1) / 2)
    if norm == "L2":  # what is cut off has sections of radius sqrt(1 - v^2)
        return np.asarray(beta((size + 1) / 2, (size + 1) / 2).cdf((value + 1) / 2))
    tail = beta(1, size).cdf(np.abs(value)) / 2
    return np.asarray(0.5 + np.sign(value) * tail)


@pytest.mark.parametrize("norm", ORDERS)
@pytest.mark.parametrize("place", [0, 3])
def test_every_coordinate_has_the_law_of_sections_of_the_ball(norm: str, place: int) -> None:
    law: Any = partial(share_below, norm)
    assert kstest(points(norm, 4)[:, place], law).pvalue > SURE


@pytest.mark.parametrize("norm", ORDERS)
def test_coordinates_know_nothing_of_one_anothers_signs(norm: str) -> None:
    drawn = points(norm, 3)
    octants = ((drawn > 0) @ [1, 2, 4]).astype(int)
    counts = np.bincount(octants, minlength=8)
    assert np.abs(counts - COUNT / 8).max() < 5 * np.sqrt(COUNT / 8)


def test_points_of_many_dimensions_are_finite_and_inside() -> None:
    for norm, order in ORDERS.items():
        drawn = points(norm, 3072, 50)
        length = np.linalg.norm(drawn, ord=order, axis=1)
        assert (length > 0.99).all()
        assert (length <= 1 + 1e-5).all()


def test_a_number_without_a_logarithm_is_taken_for_the_smallest() -> None:
    class Ends(FastDraws):
        def signed(self, shape: tuple[int, ...]) -> Singles:
            return np.full(shape, -1.0, np.float32)

    drawn = GEOMETRIES["L1"].inside(Ends(np.random.default_rng(0)), 2, 3)
    np.testing.assert_allclose(drawn, -0.25)


def test_l0_has_no_uniform_points() -> None:
    with pytest.raises(UsageError, match="no ball to draw points from"):
        GEOMETRIES["L0"].inside(FastDraws(np.random.default_rng(0)), 2, 3)
