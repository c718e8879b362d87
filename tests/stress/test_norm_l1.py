from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, minimize

from roadworthy.stress._norms.l1 import L1
from roadworthy.stress.ball import Ball


def _points(seed: int, shape: tuple[int, ...], spread: float) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(shape, generator=generator, dtype=torch.float64)
    return x, x + spread * torch.randn(shape, generator=generator, dtype=torch.float64)


def _nearest_by_scipy(x: np.ndarray, z: np.ndarray, eps: float) -> np.ndarray:
    """Solve the quadratic program itself, the change split into its ups and its downs."""
    count = len(x)

    def square(parts: np.ndarray) -> float:
        return float((((x + parts[:count] - parts[count:]) - z) ** 2).sum())

    found = minimize(
        square,
        np.zeros(2 * count),
        bounds=Bounds(0.0, np.concatenate([1 - x, x])),
        constraints=LinearConstraint(np.ones((1, 2 * count)), ub=eps),
        method="SLSQP",
        options={"maxiter": 500, "ftol": 1e-14},
    )
    point: np.ndarray = x + found.x[:count] - found.x[count:]
    return point


@pytest.mark.parametrize("seed", range(8))
def test_projection_is_the_nearest_point_of_ball_and_box(seed: int) -> None:
    x, z = _points(seed, (1, 6, 1, 1), 0.7)
    eps = 0.3 + 0.1 * seed
    ours = Ball("L1", torch.tensor([eps], dtype=torch.float64)).project(x, z)
    theirs = _nearest_by_scipy(x.flatten().numpy(), z.flatten().numpy(), eps)
    np.testing.assert_allclose(ours.flatten().numpy(), theirs, atol=2e-6)


@given(seed=st.integers(0, 10_000), eps=st.floats(1e-3, 20.0), spread=st.floats(0.05, 50.0))
@settings(max_examples=60, deadline=None)
def test_no_point_of_ball_and_box_lies_on_the_far_side(
    seed: int, eps: float, spread: float
) -> None:
    # What makes a point of a convex set the nearest one: the plane through it at right angles to
    # the way there has the whole set on one side.
    x, z = _points(seed, (1, 3, 5, 5), spread)
    nearest = Ball("L1", torch.tensor([eps], dtype=torch.float64)).project(x, z)
    toward = _points(seed + 1, (200, 3, 5, 5), 1.0)[1].clamp(0, 1) - x
    sparse = toward * (torch.rand(toward.shape) < 0.1)
    for others in (toward, sparse):
        length = others.abs().sum((1, 2, 3), keepdim=True).clamp_min(1e-9)
        inside = x + others * (eps / length).clamp_max(1.0)
        assert ((z - nearest) * (inside - nearest)).sum((1, 2, 3)).max() < 1e-8 * spread


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_point_outside_lands_on_the_surface_however_far_it_was(dtype: torch.dtype) -> None:
    x, z = (v.to(dtype) for v in _points(0, (3, 3, 32, 32), 1.0))
    z[1] = x[1] + 20 * (z[1] - x[1])
    z[2] = x[2] + 1e-2 * (z[2] - x[2])
    eps = torch.tensor([12.0, 0.3, 5.0], dtype=dtype)
    size = Ball("L1", eps).size(Ball("L1", eps).project(x, z) - x)
    torch.testing.assert_close(size, eps, rtol=4e-5 if dtype == torch.float32 else 1e-12, atol=0)


def test_a_step_is_shared_by_the_best_elements_with_room() -> None:
    generator = torch.Generator().manual_seed(0)
    gradient = torch.randn((2, 3, 20, 20), generator=generator)
    x = torch.full_like(gradient, 0.5)
    ball = Ball("L1", torch.ones(2))
    free = ball.steepest(gradient, at=x)
    assert torch.equal(free, ball.steepest(gradient))
    for flat, step in zip(gradient.flatten(1), free.flatten(1), strict=True):
        best = flat.abs().topk(12).indices  # 1 % of 1200
        assert set(step.nonzero().flatten().tolist()) == set(best.tolist())
        torch.testing.assert_close(step[best], flat[best].sign() / 12)
    blocked = torch.where(free != 0, (gradient > 0).float(), x)  # they stand at the face already
    other = ball.steepest(gradient, at=blocked)
    assert not ((other != 0) & (free != 0)).any()
    torch.testing.assert_close(ball.size(other), torch.ones(2))
    nowhere = ball.steepest(gradient, at=(gradient > 0).float())
    assert not nowhere.any()


def test_the_largest_element_alone_gains_what_the_dual_norm_says() -> None:
    gradient = torch.tensor([[0.5, -2.0, 1.0]]).view(1, 3, 1, 1)
    geometry = L1()
    assert geometry.dual(gradient).tolist() == [2.0]
    assert geometry.steepest(gradient, None).flatten().tolist() == [0.0, -1.0, 0.0]
