"""FMN against its definition written down slowly, and what its radius does in every norm."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from attack_world import attacked
from boundary_world import SHAPE, Bare, Floats, curved
from torch import Tensor

from roadworthy.errors import UsageError
from roadworthy.stress._attacks.radius import RADII
from roadworthy.stress._norms import GEOMETRIES
from roadworthy.stress.bound import stress
from roadworthy.stress.norm_names import NORMS, Norm


def _images(count: int) -> Tensor:
    generator = torch.Generator().manual_seed(8)
    return torch.rand((count, *SHAPE), generator=generator, dtype=torch.float64)


def _labels(model: Bare, x: Tensor) -> Tensor:
    with torch.no_grad():
        return model.function(x).argmax(1)


def _cosine(first: float, last: float, part: float) -> float:
    return float(last + (first - last) * (1 + np.cos(np.pi * part)) / 2)


SIZES: dict[str, Callable[[Tensor], Tensor]] = {
    "L2": lambda d: d.norm(),
    "Linf": lambda d: d.abs().max(),
    "L1": lambda d: d.abs().sum(),
    "L0": lambda d: (d != 0).sum(),
}
DUALS: dict[str, Callable[[Tensor], Tensor]] = {
    "L2": lambda g: g.norm(),
    "Linf": lambda g: g.abs().sum(),
    "L1": lambda g: g.abs().max(),
    "L0": lambda g: g.abs().max(),
}
FIRST = {"L2": 1.0, "Linf": 1.0, "L1": 1.0, "L0": 1.0}


def _slowly(
    norm: Norm, model: Bare, image: Tensor, label: int, steps: int, begin: Tensor | None = None
) -> Floats:
    x, size, count = image[None], SIZES[norm], norm == "L0"
    z = x if begin is None else begin[None]
    radius, best, nearest = float(size(z - x)), None, np.inf
    for k in range(steps + 1):
        z = z.detach().requires_grad_()
        logits = model.function(z)[0]
        others = torch.cat([logits[:label], logits[label + 1 :]])
        gap = logits[label] - others.max()
        (gradient,) = torch.autograd.grad(gap, z)
        gap = gap.detach()
        distance = float(size(z.detach() - x))
        if float(gap) < 0 and distance < nearest:
            best, nearest = z.detach(), distance
        gamma = _cosine(0.05, 0.001, k / steps)
        shrunk, grown = radius * (1 - gamma), radius * (1 + gamma)
        if count:
            shrunk, grown = min(radius - 1, np.floor(shrunk)), max(radius + 1, np.floor(grown))
        if float(gap) < 0:
            radius = min(shrunk, nearest)
        elif nearest < np.inf:
            radius = grown
        else:
            far = abs(float(gap)) / float(DUALS[norm](gradient))
            radius = max(distance + (np.ceil(far) if count else far), grown)
        radius = min(radius, float(size(torch.maximum(x, 1 - x))))
        pace = _cosine(FIRST[norm], FIRST[norm] / 100, k / steps)
        moved = z.detach() - pace * gradient / gradient.norm()
        z = GEOMETRIES[norm].project(x, moved, torch.full((1, 1, 1, 1), radius, dtype=x.dtype))
    assert best is not None
    return best[0].numpy()


@pytest.mark.parametrize("norm", NORMS)
def test_what_is_found_is_that_of_the_definition(norm: Norm) -> None:
    model, x = curved(), _images(3)
    labels = _labels(model, x)
    tried = attacked(f"fmn(steps=25, norm={norm})", model, x, labels)
    for found, image, label in zip(tried.x, x, labels.tolist(), strict=True):
        np.testing.assert_allclose(found.numpy(), _slowly(norm, model, image, label, 25), atol=1e-9)


@pytest.mark.parametrize("norm", ["L2", "Linf"])
def test_it_may_begin_where_deepfool_ends(norm: Norm) -> None:
    model, x = curved(), _images(3)
    labels = _labels(model, x)
    first = attacked(f"deepfool(norm={norm})", model, x, labels)
    assert first.reached.all()
    tried = attacked(f"fmn(steps=25, norm={norm}, start=deepfool)", model, x, labels)
    for found, image, label, begin in zip(tried.x, x, labels.tolist(), first.x, strict=True):
        expected = _slowly(norm, model, image, label, 25, begin)
        np.testing.assert_allclose(found.numpy(), expected, atol=1e-9)
    plain = attacked(f"fmn(steps=25, norm={norm})", model, x, labels)
    assert not torch.equal(plain.x, tried.x)
    assert (tried.counted.forwards > plain.counted.forwards).all()


def test_a_norm_without_deepfool_cannot_begin_there() -> None:
    with pytest.raises(UsageError, match="start=deepfool needs norm L2 or Linf, not L1"):
        stress("fmn(norm=L1, start=deepfool)")


@pytest.mark.parametrize("norm", NORMS)
def test_no_projection_makes_a_change_larger(norm: Norm) -> None:
    model, x = curved(), _images(2)
    asked: list[Tensor] = []
    watched = Bare(model.function, asked)
    # steps far shorter than the radius they are allowed
    attacked(f"fmn(steps=6, step=0.001, norm={norm})", watched, x, _labels(model, x))
    lengths = torch.stack([(z - x).flatten(1).norm(dim=1) for z in asked[1:8]])
    assert (lengths.diff(dim=0) <= 0.001 + 1e-12).all()
    assert (lengths[-1] > 0).all()


def test_the_radius_grows_where_gradients_promise_too_near_a_boundary() -> None:
    def boastful(x: Tensor) -> Tensor:
        gap = (x - 0.3).sum((1, 2, 3))
        gap = gap.detach() + 50.0 * (gap - gap.detach())
        return torch.stack([gap, torch.zeros_like(gap)], dim=1)

    x = torch.full((1, *SHAPE), 0.5, dtype=torch.float64)
    tried = attacked("fmn(steps=100)", Bare(boastful), x, torch.zeros(1, dtype=torch.int64))
    assert tried.reached.all()


def test_radii_of_a_count_stay_whole_and_move_by_one_at_least() -> None:
    rule, radius = RADII["L0"], torch.tensor([1.0, 7.0, 100.0])
    assert rule.shrunk(radius, 0.25).tolist() == [0.0, 5.0, 75.0]
    assert rule.grown(radius, 0.25).tolist() == [2.0, 8.0, 125.0]
    assert rule.shrunk(radius, 0.0).tolist() == [0.0, 6.0, 99.0]
    assert rule.whole(torch.tensor([0.2, 3.0])).tolist() == [1.0, 3.0]


def test_every_step_is_one_gradient_and_the_last_point_is_looked_at() -> None:
    model, x = curved(), _images(3)
    tried = attacked("fmn(steps=7)", model, x, _labels(model, x))
    assert tried.counted.backwards.tolist() == [7, 7, 7]
    assert tried.counted.forwards.tolist() == [8, 8, 8]


@pytest.mark.parametrize("wrong", ["steps=0", "gamma=0", "gamma=1", "step=0"])
def test_arguments_that_mean_nothing_are_refused(wrong: str) -> None:
    with pytest.raises(UsageError, match=wrong.split("=")[0]):
        stress(f"fmn({wrong})")
