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
CONVEX: list[Norm] = ["Linf", "L2", "L1"]
TYPES = [torch.float32, torch.float64]


def _batch(seed: int, spread: float = 1.0, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand((4, 3, 5, 6), generator=generator, dtype=torch.float64)
    return ((x - 0.5) * spread + 0.5).to(dtype)


def _draws(seed: int) -> BatchDraws:
    return BatchDraws([FastDraws(np.random.default_rng(seed + i)) for i in range(4)])


def _radii(norm: Norm, eps: float, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    """Return four different radii, the last 0, of a size that suits the norm."""
    radii = torch.tensor([1.0, 0.5, 2.0, 0.0], dtype=dtype) * eps
    if norm == "L0":
        return (radii * 30).floor()
    return radii * 10 if norm == "L1" else radii


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("norm", NORMS)
@given(seed=st.integers(0, 10_000), eps=st.floats(1e-4, 2.0), spread=st.floats(0.5, 40.0))
@settings(max_examples=30, deadline=None)
def test_projection_is_inside_ball_and_box_and_idempotent(
    norm: Norm, dtype: torch.dtype, seed: int, eps: float, spread: float
) -> None:
    x, z = _batch(seed, dtype=dtype), _batch(seed + 1, spread, dtype)
    ball = Ball(norm, _radii(norm, eps, dtype))
    inside = ball.project(x, z)
    assert inside.dtype == dtype
    # The result is rounded to numbers of [0, 1], of which 90 have changed.
    rounding = 90 * torch.finfo(dtype).eps / 2
    assert (ball.size(inside - x) <= ball.eps * (1 + torch.finfo(dtype).eps) + rounding).all()
    assert ((inside >= 0) & (inside <= 1)).all()
    torch.testing.assert_close(ball.project(x, inside), inside, rtol=0, atol=rounding)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("norm", NORMS)
def test_projection_leaves_points_of_ball_and_box_alone(norm: Norm, dtype: torch.dtype) -> None:
    x = _batch(0, dtype=dtype)
    near, far = (x + 1e-3 * (_batch(1, dtype=dtype) - 0.5)).clamp(0, 1), _batch(1, dtype=dtype)
    for z, size in ((near, 90.0 if norm == "L0" else 1.0), (far, 90.0)):
        found = Ball(norm, torch.full((4,), size, dtype=dtype)).project(x, z)
        assert torch.equal(found, z) or norm == "L2"  # which multiplies and adds again
        torch.testing.assert_close(found, z)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("norm", NORMS)
def test_every_sample_is_projected_alone_in_its_own_ball(
    norm: Norm, layout: torch.memory_format
) -> None:
    x, z = (b.to(memory_format=layout) for b in (_batch(5), _batch(6, 3.0)))
    ball = Ball(norm, _radii(norm, 0.3))
    together = ball.project(x, z)
    assert together.is_contiguous(memory_format=layout)
    assert torch.equal(together[3], x[3])  # its radius is 0
    for i in range(4):
        rows = torch.tensor([i])
        assert torch.equal(ball.at(rows).project(x[rows], z[rows])[0], together[i])
    broken = torch.cat([z[:3], torch.full_like(z[:1], float("nan"))])
    assert torch.equal(ball.project(x, broken)[:3], together[:3])


def test_projection_onto_the_l2_ball_shortens_the_difference() -> None:
    x = torch.full((1, 1, 1, 2), 0.5)
    z = x + torch.tensor([0.3, 0.4]).view(1, 1, 1, 2)
    ball = Ball("L2", torch.tensor([0.25]))
    expected = x + torch.tensor([0.15, 0.2]).view(1, 1, 1, 2)
    torch.testing.assert_close(ball.project(x, z), expected)


@pytest.mark.parametrize("norm", CONVEX)
def test_steepest_has_unit_norm_and_grows_a_linear_function_most(norm: Norm) -> None:
    gradient = _batch(3) - 0.5
    ball = Ball(norm, torch.ones(4, dtype=torch.float64))
    direction = ball.steepest(gradient)
    torch.testing.assert_close(ball.size(direction), torch.ones(4, dtype=torch.float64))
    # The dual norm: what no direction of unit norm can exceed.
    gain = (gradient * direction).flatten(1).sum(1)
    torch.testing.assert_close(gain, ball.geometry.dual(gradient))


@pytest.mark.parametrize("norm", NORMS)
def test_random_start_fills_the_ball_and_depends_on_each_sample_alone(norm: Norm) -> None:
    x = torch.full((4, 3, 5, 6), 0.5, dtype=torch.float64)
    eps = 7.0 if norm == "L0" else 0.1
    ball = Ball(norm, torch.full((4,), eps, dtype=torch.float64))
    start = ball.random_start(x, _draws(0))
    sizes = ball.size(start - x)
    assert (sizes <= eps + 1e-12).all()
    assert (sizes > 0.9 * eps).all()  # in 90 dimensions nearly all of the ball is near its surface
    assert len({str(row) for row in (start - x).sign().flatten(1).tolist()}) == 4
    alone = Ball(norm, ball.eps[:1]).random_start(x[:1], BatchDraws(_draws(0).each[:1]))
    torch.testing.assert_close(alone, start[:1])


@pytest.mark.parametrize("norm", NORMS)
def test_steepest_of_no_gradient_is_no_direction(norm: Norm) -> None:
    ball = Ball(norm, torch.ones(1))
    x = torch.rand(1, 3, 2, 2)
    assert not ball.steepest(torch.zeros_like(x)).any()
    assert not ball.steepest(torch.zeros_like(x), at=x).any()


@pytest.mark.parametrize("norm", NORMS)
def test_projections_around_the_same_images_are_those_one_by_one(norm: Norm) -> None:
    generator = torch.Generator().manual_seed(3)
    x = torch.rand((4, 3, 5, 5), generator=generator)
    eps = torch.tensor([0.0, 0.1, 3.0, 9.0])
    ball = Ball(norm, eps)
    project = ball.projection(x)
    for scale in (0.01, 0.5, 3.0):
        z = x + scale * torch.randn(x.shape, generator=generator)
        assert torch.equal(project(z), ball.project(x, z))
