"""The nearest point of a plane inside the box, against linear programmes and root finding."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from boundary_world import least
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from roadworthy.stress._norms import GEOMETRIES
from roadworthy.stress.norm_names import Norm

NORMS: list[Norm] = ["Linf", "L2", "L1"]
SHAPE = (3, 3, 5)
Floats = NDArray[np.float64]


def _problem(seed: int, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor, Tensor]:
    """Return six points, normals and gaps: with elements on the faces, zeros, ties and sizes apart."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(0, 1, (6, *SHAPE))
    x[rng.uniform(size=x.shape) < 0.2] = 0.0
    x[rng.uniform(size=x.shape) < 0.2] = 1.0
    normal = rng.normal(size=x.shape) * np.exp(rng.normal(0, 2, x.shape))
    normal[rng.uniform(size=x.shape) < 0.1] = 0.0
    normal[4:] = np.round(normal[4:])  # ties
    normal *= 10.0 ** rng.integers(-6, 4, (6, 1, 1, 1))
    reach = _reach(x, normal)
    gap = reach * rng.choice([0.0, 1e-3, 0.1, 0.5, 0.9, 0.999], 6)
    return tuple(torch.from_numpy(v).to(dtype) for v in (x, normal, gap))  # type: ignore[return-value]


def _reach(x: Floats, normal: Floats) -> Floats:
    """Return the gap that every element together closes, in a direction that differs by row."""
    towards = np.array([1, -1, 1, -1, 1, -1]).reshape(6, 1, 1, 1)
    room = np.where(normal * towards > 0, 1 - x, x)
    total: Floats = (towards * np.abs(normal) * room).sum((1, 2, 3))
    return total


@pytest.mark.parametrize("norm", NORMS)
@given(seed=st.integers(0, 100_000))
@settings(max_examples=8, deadline=None)
def test_the_step_closes_the_gap_inside_the_box_and_none_is_smaller(norm: Norm, seed: int) -> None:
    x, normal, gap = _problem(seed)
    step = GEOMETRIES[norm].onto_plane(x, normal, gap)
    assert ((x + step >= 0) & (x + step <= 1)).all()
    closed = (normal * step).sum((1, 2, 3))
    torch.testing.assert_close(closed, gap, rtol=1e-9, atol=0)
    size = GEOMETRIES[norm].size(step).tolist()
    for i in range(6):
        smallest = least(norm, x[i].numpy().ravel(), normal[i].numpy().ravel(), float(gap[i]))
        assert size[i] == pytest.approx(smallest, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("norm", NORMS)
@given(seed=st.integers(0, 100_000))
@settings(max_examples=8, deadline=None)
def test_single_precision_is_as_exact_as_it_can_be(norm: Norm, seed: int) -> None:
    x, normal, gap = _problem(seed, torch.float32)
    geometry = GEOMETRIES[norm]
    step = geometry.onto_plane(x, normal, gap)
    assert step.dtype == torch.float32
    assert ((x + step >= 0) & (x + step <= 1)).all()
    size = geometry.size(step.double())
    exact = geometry.size(geometry.onto_plane(x.double(), normal.double(), gap.double()))
    # Near the end of the room the size depends on the gap as strongly as the smallest elements say.
    closed = (normal.double() * step.double()).sum((1, 2, 3))
    reach = (normal.double().abs()).sum((1, 2, 3))
    assert ((closed - gap).abs() <= 1e-6 * reach).all()
    easy = gap.abs() < 0.6 * torch.from_numpy(
        np.abs(_reach(x.double().numpy(), normal.double().numpy()))
    )
    torch.testing.assert_close(size[easy], exact[easy], rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("norm", NORMS)
def test_an_unreachable_plane_is_approached_as_far_as_the_box_lets(norm: Norm) -> None:
    x, normal, _ = _problem(1)
    reach = torch.from_numpy(_reach(x.numpy(), normal.numpy()))
    step = GEOMETRIES[norm].onto_plane(x, normal, 3 * reach)
    corner = (normal * reach.sign().view(6, 1, 1, 1) > 0).to(x) - x
    assert torch.equal(step, torch.where(normal == 0, 0.0, corner))


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("norm", NORMS)
def test_zero_normals_zero_gaps_and_nan_stay_with_their_sample(
    norm: Norm, layout: torch.memory_format
) -> None:
    x, normal, _ = _problem(2)
    gap = torch.from_numpy(_reach(x.numpy(), normal.numpy())) / 2
    normal[1], gap[2] = 0.0, 0.0
    x, normal = x.to(memory_format=layout), normal.to(memory_format=layout)
    geometry = GEOMETRIES[norm]
    step = geometry.onto_plane(x, normal, gap)
    assert step.is_contiguous(memory_format=layout)
    assert not step[1].any()
    assert not step[2].any()
    assert step[[0, 3, 4, 5]].flatten(1).any(1).all()
    for i in range(6):
        one = torch.tensor([i])
        assert torch.equal(geometry.onto_plane(x[one], normal[one], gap[one])[0], step[i])
    normal[0], gap[3] = float("nan"), float("nan")
    broken = geometry.onto_plane(x, normal, gap)
    assert torch.equal(broken[[1, 2, 4, 5]], step[[1, 2, 4, 5]])


@pytest.mark.parametrize("norm", NORMS)
def test_bounds_that_are_reached_one_after_the_other_are_all_found(norm: Norm) -> None:
    # Every element has half the room of the one before: Newton's steps have to pass them all.
    room = 0.5 ** torch.arange(1, 41, dtype=torch.float64)
    x = (1 - room).view(1, 1, 1, 40)
    normal = (3.0 ** torch.arange(40, dtype=torch.float64)).view(1, 1, 1, 40)
    for share in (0.1, 0.5, 0.999):
        gap = share * (normal * (1 - x)).sum((1, 2, 3))
        step = GEOMETRIES[norm].onto_plane(x, normal, gap)
        torch.testing.assert_close((normal * step).sum((1, 2, 3)), gap)


def test_under_l1_more_elements_move_than_are_sorted_at_first() -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.rand((3, 3, 20, 20), generator=generator, dtype=torch.float64)
    normal = torch.rand(x.shape, generator=generator, dtype=torch.float64)
    gap = torch.tensor([0.001, 0.3, 0.9], dtype=torch.float64) * (normal * (1 - x)).sum((1, 2, 3))
    step = GEOMETRIES["L1"].onto_plane(x, normal, gap)
    torch.testing.assert_close((normal * step).sum((1, 2, 3)), gap)
    moved = (step != 0).flatten(1).sum(1)
    assert moved[0] < 64 < moved[1] < moved[2]
    for i in range(3):  # nothing that did not go all the way counts for more than one that moved
        rest = normal[i][step[i] < 1 - x[i]]
        assert rest.max() <= normal[i][step[i] != 0].min()
