from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from roadworthy.stress._norms import GEOMETRIES
from roadworthy.stress.ball import Ball, Norm
from roadworthy.stress.draws import BatchDraws, FastDraws

NORMS = list(GEOMETRIES)


def _batch(seed: int, spread: float = 1.0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand((4, 3, 5, 6), generator=generator, dtype=torch.float64)
    return (x - 0.5) * spread + 0.5


def _draws(seed: int) -> BatchDraws:
    return BatchDraws([FastDraws(np.random.default_rng(seed + i)) for i in range(4)])


@pytest.mark.parametrize("norm", NORMS)
@given(seed=st.integers(0, 10_000), eps=st.floats(1e-4, 2.0), spread=st.floats(0.5, 4.0))
@settings(max_examples=40, deadline=None)
def test_projection_is_inside_ball_and_box_and_idempotent(
    norm: Norm, seed: int, eps: float, spread: float
) -> None:
    x, z = _batch(seed), _batch(seed + 1, spread)
    ball = Ball(norm, torch.full((4,), eps, dtype=torch.float64))
    inside = ball.project(x, z)
    assert (ball.size(inside - x) <= eps * (1 + 1e-9)).all()
    assert ((inside >= 0) & (inside <= 1)).all()
    torch.testing.assert_close(ball.project(x, inside), inside, rtol=0, atol=1e-12)


@pytest.mark.parametrize("norm", NORMS)
def test_projection_leaves_points_of_ball_and_box_alone(norm: Norm) -> None:
    x = _batch(0)
    z = (x + 1e-3 * (_batch(1) - 0.5)).clamp(0, 1)
    ball = Ball(norm, torch.ones(4, dtype=torch.float64))
    torch.testing.assert_close(ball.project(x, z), z)


def test_projection_onto_the_l2_ball_shortens_the_difference() -> None:
    x = torch.full((1, 1, 1, 2), 0.5)
    z = x + torch.tensor([0.3, 0.4]).view(1, 1, 1, 2)
    ball = Ball("L2", torch.tensor([0.25]))
    expected = x + torch.tensor([0.15, 0.2]).view(1, 1, 1, 2)
    torch.testing.assert_close(ball.project(x, z), expected)


@pytest.mark.parametrize("norm", NORMS)
def test_steepest_has_unit_norm_and_grows_a_linear_function_most(norm: Norm) -> None:
    gradient = _batch(3) - 0.5
    ball = Ball(norm, torch.ones(4))
    direction = ball.steepest(gradient)
    torch.testing.assert_close(ball.size(direction), torch.ones(4, dtype=torch.float64))
    gain = (gradient * direction).flatten(1).sum(1)
    # The dual norm: what no direction of unit norm can exceed.
    dual = gradient.flatten(1).abs().sum(1) if norm == "Linf" else gradient.flatten(1).norm(dim=1)
    torch.testing.assert_close(gain, dual)


@pytest.mark.parametrize("norm", NORMS)
def test_random_start_fills_the_ball_and_depends_on_each_sample_alone(norm: Norm) -> None:
    x = torch.full((4, 3, 5, 6), 0.5, dtype=torch.float64)
    ball = Ball(norm, torch.full((4,), 0.1, dtype=torch.float64))
    start = ball.random_start(x, _draws(0))
    sizes = ball.size(start - x)
    assert (sizes <= 0.1 + 1e-12).all()
    assert (sizes > 0.09).all()  # in 90 dimensions nearly all of the ball is near its surface
    alone = Ball(norm, ball.eps[:1]).random_start(x[:1], BatchDraws(_draws(0).each[:1]))
    torch.testing.assert_close(alone, start[:1])


def test_steepest_of_no_gradient_is_no_direction() -> None:
    ball = Ball("L2", torch.ones(1))
    assert not ball.steepest(torch.zeros(1, 3, 2, 2)).any()
