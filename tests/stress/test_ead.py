"""EAD against its definition written down with autograd, and against closed-form distances."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from boundary_world import SHAPE, Bare, attacked, curved, goal_of, least, linear
from torch import Tensor

from roadworthy.errors import UsageError
from roadworthy.models.counted import Counted
from roadworthy.stress._norms import GEOMETRIES
from roadworthy.stress.attacks.ead import ead
from roadworthy.stress.bound import stress
from roadworthy.stress.goal import Goal


def images(count: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand((count, *SHAPE), generator=generator, dtype=torch.float64)


def sizes(difference: Tensor) -> Tensor:
    return difference.abs().sum((1, 2, 3))


def _missing(model: Bare, z: Tensor, goal: Goal) -> Tensor:
    logits = model.function(z)[0]
    aim = int(goal.labels[0] if goal.targets is None else goal.targets[0])
    gap = logits[aim] - torch.cat([logits[:aim], logits[aim + 1 :]]).max()
    return gap if goal.targets is None else -gap


def _slowly(
    model: Bare, x: Tensor, goal: Goal, steps: int, search_steps: int, confidence: float
) -> list[Tensor]:
    """Return the points that the published algorithm visits for one image, c beginning at 0.1."""
    points, c, low, high = [x], 0.1, 0.0, float("inf")
    for _ in range(search_steps):
        z = ahead = x
        before, enough = float("inf"), False
        for k in range(steps):
            y = ahead.clone().requires_grad_()
            change, missing = y - x, _missing(model, y, goal)
            smooth = change.square().sum() + c * (missing + confidence).clamp_min(0)
            loss = float(smooth.detach()) + 0.01 * float(change.detach().abs().sum())
            (gradient,) = torch.autograd.grad(smooth, y)
            stepped = ahead - 0.01 * (1 - k / steps) ** 0.5 * gradient
            moved = stepped - x
            moved = torch.where(moved > 0.01, moved - 0.01, moved + 0.01) * (moved.abs() > 0.01)
            new = (x + moved).clamp(0, 1)
            points += [ahead, new]
            both = (missing.detach(), _missing(model, new, goal))
            enough |= any(float(gap) < -confidence for gap in both)
            ahead, z = (new + k / (k + 3) * (new - z)).clamp(0, 1), new
            if k % (steps // 10) == 0:
                if loss > 0.9999 * before:
                    break
                before = loss
        low, high = (low, c) if enough else (c, high)
        c = 10 * c if high == float("inf") else (low + high) / 2
    return points


@pytest.mark.parametrize(("target", "confidence"), [(None, 0.0), (3, 0.0), (None, 0.7)])
def test_every_point_is_the_one_of_the_definition(target: int | None, confidence: float) -> None:
    model, x = curved(), images(1, seed=2)
    goal = goal_of(model, x, None if target is None else torch.tensor([target]))
    assert target != int(goal.labels[0])
    given = {"steps": 30, "search_steps": 6, "initial_c": 0.1, "confidence": confidence}
    found = attacked(ead, model, x, goal, "L1", **given)
    points = _slowly(model, x, goal, 30, 6, confidence)
    assert len(model.asked) == len(points)
    assert len(points) < 1 + 2 * 30 * 6  # some descents ended early
    for ours, theirs in zip(model.asked, points, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-9)
    adversarial = [z for z in points if _missing(model, z, goal) < -confidence]
    assert 0 < len(adversarial) < len(points)
    nearest = min(adversarial, key=lambda z: float(sizes(z - x)))
    torch.testing.assert_close(found.x, nearest)
    elastic = attacked(ead, model, x, goal, "L1", **given, decision="elastic")
    nearest = min(adversarial, key=lambda z: float(0.01 * sizes(z - x) + (z - x).square().sum()))
    torch.testing.assert_close(elastic.x, nearest)


def test_the_distance_to_a_plane_is_found() -> None:
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(SHAPE, generator=generator, dtype=torch.float64)
    weight[0, 0, 0] *= 3  # away from the box the best change is one of the largest weight alone
    x = 0.5 + 0.2 * (images(3) - 0.5)
    gap = torch.linspace(0.1, 1.0, 3, dtype=torch.float64)
    for one, distance in zip(x, gap, strict=True):
        offset = (weight * one).sum() + distance
        model = linear(
            torch.stack([torch.zeros_like(weight), weight]), torch.stack([offset, 0 * offset])
        )
        found = attacked(
            ead, model, one[None], Goal(torch.tensor([0])), "L1", steps=100, search_steps=12
        )
        size = float(sizes(found.x - one))
        closed = least("L1", one.flatten().numpy(), weight.flatten().numpy(), float(distance))
        assert closed == pytest.approx(float(distance / weight.abs().max()))
        assert closed < size < 1.05 * closed


def test_more_steps_find_a_nearer_image() -> None:
    model, x = curved(seed=1), images(8)
    goal = goal_of(model, x)

    def mean(**given: int) -> float:
        found = attacked(ead, model, x, goal, "L1", initial_c=0.1, **given)
        assert goal.reached(model.function(found.x)).all()
        return float(sizes(found.x - x).mean())

    assert mean(steps=10, search_steps=7) > mean(steps=80, search_steps=7)
    assert mean(steps=40, search_steps=4) > mean(steps=40, search_steps=8)


def test_images_do_not_influence_each_other() -> None:
    model, x = curved(), images(5)
    goal = goal_of(model, x)
    given = {"steps": 20, "search_steps": 5, "initial_c": 0.1}
    together = attacked(ead, model, x, goal, "L1", **given)
    assert together.steps_used is not None
    assert len(set(together.steps_used.tolist())) > 1  # some ended early
    for i in range(5):
        row = torch.tensor([i])
        alone = attacked(ead, model, x[row], goal.at(row), "L1", **given)
        assert torch.equal(alone.x[0], together.x[i])
    broken = x.clone()
    broken[2] = float("nan")
    others = torch.tensor([0, 1, 3, 4])
    again = attacked(ead, model, broken, goal, "L1", **given)
    assert torch.equal(again.x[others], together.x[others])


def test_a_confidence_asks_for_that_much_of_a_margin() -> None:
    model, x = curved(), images(4)
    goal = goal_of(model, x)
    found = attacked(ead, model, x, goal, "L1", steps=40, initial_c=0.1, confidence=1.5)
    for z, label in zip(found.x, goal.labels, strict=True):
        assert float(_missing(model, z[None], Goal(label[None]))) < -1.5
    plain = attacked(ead, model, x, goal, "L1", steps=40, initial_c=0.1)
    assert (sizes(plain.x - x) < sizes(found.x - x)).all()


def test_what_is_adversarial_already_or_cannot_be_is_left_alone() -> None:
    model, x = curved(), images(3)
    wrong = Goal((goal_of(model, x).labels + 1) % 5)
    found = attacked(ead, model, x, wrong, "L1", steps=4)
    assert torch.equal(found.x, x)
    assert len(model.asked) == 1
    flat = Bare(lambda z: z.sum((1, 2, 3))[:, None] * torch.tensor([1e-9, 0.0], dtype=z.dtype) + 1)
    never = attacked(ead, flat, x, Goal(torch.zeros(3, dtype=torch.long)), "L1", steps=4)
    assert torch.equal(never.x, x)
    assert never.step_success is not None
    assert never.step_success.tolist() == [-1] * 3


def test_passes_are_at_most_what_they_are_said_to_be() -> None:
    model, x = curved(), images(2)
    counted, goal = Counted(model), goal_of(model, x)
    ead.function(counted, x, goal, GEOMETRIES["L1"], steps=7, search_steps=1, initial_c=10.0)
    assert ead.passes is not None
    assert ead.passes({"steps": 7, "search_steps": 3}) == (43, 21)
    np.testing.assert_array_equal(counted.forwards, 2 * counted.backwards + 1)
    assert counted.backwards.max() <= 7


@pytest.mark.parametrize(
    "given", ["steps=0", "search_steps=0", "initial_c=0", "learning_rate=0", "shrinkage=-1"]
)
def test_meaningless_settings_are_refused(given: str) -> None:
    with pytest.raises(UsageError, match=given.split("=")[0]):
        stress(f"ead({given})")
