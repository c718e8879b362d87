"""DDN against its definition written down slowly, one image at a time."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from attack_world import attacked
from boundary_world import SHAPE, Bare, Floats, curved
from torch import Tensor
from torch.nn import functional

from roadworthy.errors import UsageError
from roadworthy.stress.bound import stress


def _images(count: int) -> Tensor:
    generator = torch.Generator().manual_seed(8)
    return torch.rand((count, *SHAPE), generator=generator, dtype=torch.float64)


def _labels(model: Bare, x: Tensor) -> Tensor:
    with torch.no_grad():
        return model.function(x).argmax(1)


def _slowly(model: Bare, image: Tensor, label: int, steps: int, radius: float = 1.0) -> Floats:
    x, label_ = image[None], torch.tensor([label])
    change, best = torch.zeros_like(x), None
    furthest = float(torch.maximum(x, 1 - x).norm())
    for k in range(steps + 1):
        z = (x + change).requires_grad_()
        logits = model.function(z)
        adversarial = int(logits.argmax()) != label
        if adversarial and (best is None or change.norm() < best.norm()):
            best = change
        (gradient,) = torch.autograd.grad(functional.cross_entropy(logits, label_), z)
        pace = 0.01 + 0.99 * (1 + np.cos(np.pi * k / steps)) / 2
        change = change + pace * gradient / gradient.norm()
        radius = min(radius * (0.95 if adversarial else 1.05), furthest)
        change = (x + radius * change / change.norm()).clamp(0, 1) - x
    assert best is not None
    return (x + best)[0].numpy()


def test_what_is_found_is_that_of_the_definition() -> None:
    model, x = curved(), _images(4)
    labels = _labels(model, x)
    tried = attacked("ddn(steps=25)", model, x, labels)
    for found, image, label in zip(tried.x, x, labels.tolist(), strict=True):
        np.testing.assert_allclose(found.numpy(), _slowly(model, image, label, 25), atol=1e-12)


def test_the_radius_never_exceeds_the_furthest_point_of_the_box() -> None:
    model, x = curved(), _images(2)
    labels = _labels(model, x)
    tried = attacked("ddn(steps=12, initial_radius=100)", model, x, labels)
    for found, image, label in zip(tried.x, x, labels.tolist(), strict=True):
        expected = _slowly(model, image, label, 12, radius=100.0)
        np.testing.assert_allclose(found.numpy(), expected, atol=1e-12)


def test_points_are_rounded_to_the_nearest_level() -> None:
    model, x = curved(), _images(6)
    labels = _labels(model, x)
    plain = attacked("ddn(steps=1, initial_radius=4)", model, x, labels)
    rounded = attacked("ddn(steps=1, initial_radius=4, levels=16)", model, x, labels)
    both = plain.reached & rounded.reached
    assert both.any()
    torch.testing.assert_close(rounded.x[both], (plain.x[both] * 15).round() / 15)


def test_every_step_is_one_gradient_and_the_last_point_is_looked_at() -> None:
    model, x = curved(), _images(3)
    tried = attacked("ddn(steps=7)", model, x, _labels(model, x))
    assert tried.counted.backwards.tolist() == [7, 7, 7]
    assert tried.counted.forwards.tolist() == [8, 8, 8]
    assert tried.found.steps_used is not None
    assert tried.found.steps_used.tolist() == [7, 7, 7]


def test_levels_keep_every_point_on_the_grid() -> None:
    model, x = curved(), (_images(4) * 15).round() / 15
    tried = attacked("ddn(steps=40, levels=16)", model, x, _labels(model, x))
    assert tried.reached.all()
    torch.testing.assert_close(tried.x * 15, (tried.x * 15).round(), rtol=0, atol=1e-9)
    assert (tried.x != x).flatten(1).any(1).all()


def test_where_there_is_no_gradient_steps_are_random_and_each_image_has_its_own() -> None:
    def logits(x: Tensor) -> Tensor:
        step = ((x - 0.5) * 1e3).sign().mean((1, 2, 3)) + 0.0 * x.sum((1, 2, 3))
        return torch.stack([step, -step], dim=1)

    model, x = Bare(logits), torch.full((3, *SHAPE), 0.5, dtype=torch.float64)
    x += 0.01 * torch.rand(SHAPE, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    x[:, 0] += 0.001
    labels = torch.zeros(3, dtype=torch.int64)
    tried = attacked("ddn(steps=15)", model, x, labels)
    assert tried.reached.all()
    assert not torch.equal(tried.x[0], tried.x[1])
    alone = attacked("ddn(steps=15)", model, x[1:2], labels[1:2], names=["1"])
    assert torch.equal(alone.x[0], tried.x[1])


@pytest.mark.parametrize(
    "wrong", ["steps=0", "gamma=0", "gamma=1", "initial_radius=0", "levels=1", "norm=Linf"]
)
def test_arguments_that_mean_nothing_are_refused(wrong: str) -> None:
    with pytest.raises(UsageError, match=wrong.split("=")[0]):
        stress(f"ddn({wrong})")
