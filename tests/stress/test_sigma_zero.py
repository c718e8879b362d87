"""Sigma-zero against its definition written down with autograd, and against exact counts."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from boundary_world import SHAPE, Bare, attacked, curved, goal_of, linear
from torch import Tensor

from roadworthy.errors import UsageError
from roadworthy.models.counted import Counted
from roadworthy.stress._norms import GEOMETRIES
from roadworthy.stress.attacks.sigma_zero import sigma_zero
from roadworthy.stress.bound import stress
from roadworthy.stress.goal import Goal


def images(count: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand((count, *SHAPE), generator=generator, dtype=torch.float64)


def two_sides(seed: int = 0) -> tuple[Bare, Tensor]:
    """Return a linear model of two classes, and the weights of their difference."""
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randn(SHAPE, generator=generator, dtype=torch.float64)
    offset = torch.tensor([(0.5 * weight).sum() + 4.0, 0.0], dtype=torch.float64)
    return linear(torch.stack([torch.zeros_like(weight), weight]), offset), weight


def fewest(x: Tensor, weight: Tensor, gap: float) -> int:
    """Return how many elements have to change: those that bring most, each up to the box."""
    best = torch.where(weight > 0, 1 - x, x).mul(weight.abs()).flatten().sort(descending=True)
    return int((best.values.cumsum(0) < gap).sum()) + 1


def _slowly(model: Bare, x: Tensor, goal: Goal, steps: int) -> list[Tensor]:
    """Return the points that the published algorithm visits for one image."""
    change = torch.zeros_like(x, requires_grad=True)
    mean = square = torch.zeros_like(x)
    threshold, points = 0.3, [x.clone()]
    for step in range(steps):
        logits = model.function(x + change)[0]
        label = int(goal.labels[0])
        if goal.targets is None:
            other = torch.cat([logits[:label], logits[label + 1 :]]).max()
            lacking = (logits[label] - other).clamp_min(0)
            adversarial = int(logits.argmax()) != label
        else:
            aim = int(goal.targets[0])
            other = torch.cat([logits[:aim], logits[aim + 1 :]]).max()
            lacking = (other - logits[aim]).clamp_min(0)
            adversarial = int(logits.argmax()) == aim
        loss = lacking + (change**2 / (change**2 + 1e-3)).mean()
        (gradient,) = torch.autograd.grad(loss, change)
        rate = 0.1 + 0.9 * (1 + math.cos(math.pi * step / steps)) / 2
        gradient = gradient / gradient.abs().max()
        mean, square = 0.9 * mean + 0.1 * gradient, 0.999 * square + 0.001 * gradient**2
        root = (square / (1 - 0.999 ** (step + 1))).sqrt() + 1e-8
        threshold = min(max(threshold + (0.01 if adversarial else -0.01) * rate, 0.0), 1.0)
        with torch.no_grad():
            change -= rate * mean / (1 - 0.9 ** (step + 1)) / root
            change.copy_((x + change).clamp(0, 1) - x)
            change[change.abs() < threshold] = 0
        points.append((x + change).detach().clone())
    return points


@pytest.mark.parametrize("target", [None, 3])
def test_every_point_is_the_one_of_the_definition(target: int | None) -> None:
    model, x = curved(), images(1, seed=2)
    targets = None if target is None else torch.tensor([target])
    goal = goal_of(model, x, targets)
    assert target != int(goal.labels[0])
    attacked(sigma_zero, model, x, goal, "L0", steps=60)
    points = _slowly(model, x, goal, 60)
    assert len(model.asked) == 61
    for ours, theirs in zip(model.asked, points, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-9)
    reached = [bool(goal.reached(model.function(z))) for z in points]
    assert any(reached)
    assert not all(reached)  # both ways of the threshold were gone


def test_the_fewest_elements_of_a_linear_model_are_nearly_found() -> None:
    model, weight = two_sides()
    x = images(24)
    goal = goal_of(model, x)
    x, goal = x[goal.labels == 0], goal.at(goal.labels == 0)
    assert goal.clean is not None
    found = attacked(sigma_zero, model, x, goal, "L0", steps=100)
    ours = GEOMETRIES["L0"].size(found.x - x)
    gaps = (goal.clean[:, 0] - goal.clean[:, 1]).tolist()
    exact = torch.tensor([fewest(v, weight, gap) for v, gap in zip(x, gaps, strict=True)])
    assert exact.max() >= 8
    assert goal.reached(model.function(found.x)).all()
    assert (ours >= exact).all()
    assert (ours - exact).mean() < 0.7
    assert found.step_success is not None
    assert (found.step_success > 0).all()


def test_more_steps_find_fewer_elements() -> None:
    model, x = curved(seed=1), images(12)
    goal = goal_of(model, x)
    sizes = [
        GEOMETRIES["L0"].size(attacked(sigma_zero, model, x, goal, "L0", steps=steps).x - x).mean()
        for steps in (5, 20, 80)
    ]
    assert sizes[0] > sizes[1] > sizes[2]


def test_images_do_not_influence_each_other() -> None:
    model, x = curved(), images(5)
    goal = goal_of(model, x)
    together = attacked(sigma_zero, model, x, goal, "L0", steps=30).x
    for i in range(5):
        row = torch.tensor([i])
        alone = attacked(sigma_zero, model, x[row], goal.at(row), "L0", steps=30).x
        assert torch.equal(alone[0], together[i])
    broken = x.clone()
    broken[2] = float("nan")
    others = torch.tensor([0, 1, 3, 4])
    again = attacked(sigma_zero, model, broken, goal, "L0", steps=30).x
    assert torch.equal(again[others], together[others])


def test_what_is_adversarial_already_or_cannot_be_is_left_alone() -> None:
    model, x = curved(), images(4)
    wrong = goal_of(model, x)
    wrong = Goal((wrong.labels + 1) % 5)
    found = attacked(sigma_zero, model, x, wrong, "L0", steps=4)
    assert torch.equal(found.x, x)
    assert found.step_success is not None
    assert found.step_success.tolist() == [0] * 4
    flat = Bare(lambda z: z.sum((1, 2, 3))[:, None] * torch.tensor([1e-9, 0.0], dtype=z.dtype) + 1)
    never = attacked(sigma_zero, flat, x, Goal(torch.zeros(4, dtype=torch.long)), "L0", steps=4)
    assert torch.equal(never.x, x)
    assert never.step_success is not None
    assert never.step_success.tolist() == [-1] * 4


def test_passes_are_what_they_are_said_to_be() -> None:
    model, x = curved(), images(2)
    counted, goal = Counted(model), goal_of(model, x)
    sigma_zero.function(counted, x, goal, GEOMETRIES["L0"], steps=7)
    assert sigma_zero.passes is not None
    assert sigma_zero.passes({"steps": 7}) == (8, 7)
    np.testing.assert_array_equal(counted.forwards, [8, 8])
    np.testing.assert_array_equal(counted.backwards, [7, 7])


@pytest.mark.parametrize("given", ["steps=0", "smoothing=0", "learning_rate=0", "threshold=2"])
def test_meaningless_settings_are_refused(given: str) -> None:
    with pytest.raises(UsageError, match=given.split("=")[0]):
        stress(f"sigma_zero({given})")
