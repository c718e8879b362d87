"""DeepFool against closed-form distances, and what it keeps to in any batch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from boundary_world import SHAPE, attacked, curved, goal_of, linear
from test_fab import images
from torch import Tensor

from roadworthy.errors import UsageError
from roadworthy.models.counted import Counted
from roadworthy.stress._norms import GEOMETRIES
from roadworthy.stress.attacks.deepfool import deepfool
from roadworthy.stress.bound import stress
from roadworthy.stress.goal import Goal
from roadworthy.stress.norm_names import Norm
from roadworthy.stress.watch import NEVER

NORMS: list[Norm] = ["L2", "Linf"]


def _linear(norm: Norm) -> tuple[Tensor, Tensor]:
    """Return weights of four classes and offsets that put boundaries 0.2 to 0.3 away from 0.5."""
    generator = torch.Generator().manual_seed(2)
    weight = torch.randn((4, *SHAPE), generator=generator, dtype=torch.float64)
    weight[2] *= 3  # the nearest boundary is not that with the most likely class
    far = torch.tensor([0.0, 0.25, 0.2, 0.3], dtype=torch.float64)
    slope = GEOMETRIES[norm].dual(weight - weight[0])
    return weight, -far * slope - (0.5 * weight).sum((1, 2, 3))


@pytest.mark.parametrize("norm", NORMS)
def test_on_a_linear_model_one_step_goes_the_closed_form_distance(norm: Norm) -> None:
    weight, offset = _linear(norm)
    model, x = linear(weight, offset), torch.full((1, *SHAPE), 0.5, dtype=torch.float64)
    goal, geometry = goal_of(model, x), GEOMETRIES[norm]
    found = attacked(deepfool, model, x, goal, norm, overshoot=0.0)
    size = float(geometry.size(found.x - x))
    assert 0.2 < size < 0.2 * 1.001  # class 2 is the nearest, neither the first nor the last
    assert int(model.function(found.x).argmax()) == 2
    assert found.steps_used is not None
    assert found.step_success is not None
    assert found.steps_used.tolist() == found.step_success.tolist() == [1]
    longer = attacked(deepfool, model, x, goal, norm)
    torch.testing.assert_close(longer.x - x, 1.02 * (found.x - x))


@pytest.mark.parametrize("norm", NORMS)
def test_every_step_is_the_formula(norm: Norm) -> None:
    model, x = curved(classes=4), images(1, seed=3)
    goal = goal_of(model, x)
    found = attacked(deepfool, model, x, goal, norm, overshoot=0.1)
    label, total, z = int(goal.labels), torch.zeros_like(x), x
    steps = 0
    while int(model.function(z).argmax()) == label:
        best = (np.inf, total)
        for k in {0, 1, 2, 3} - {label}:
            point = z.clone().requires_grad_()
            logits = model.function(point)[0]
            (w,) = torch.autograd.grad(logits[k] - logits[label], point)
            value = (logits[k] - logits[label]).detach()
            order = 2 if norm == "L2" else 1
            distance = float(value.abs() / w.flatten().norm(order))
            direction = w / w.norm() if norm == "L2" else w.sign()
            best = min(best, (distance, (distance + 1e-4) * direction), key=lambda pair: pair[0])
        total, steps = total + best[1], steps + 1
        z = (x + 1.1 * total).clamp(0, 1)
    torch.testing.assert_close(found.x, z, rtol=1e-9, atol=1e-12)
    assert found.steps_used is not None
    assert int(found.steps_used) == steps > 1


@pytest.mark.parametrize("norm", NORMS)
def test_batch_order_and_nan_change_no_other_row(norm: Norm) -> None:
    model, x = curved(), images(7)
    goal = goal_of(model, x)
    whole = attacked(deepfool, model, x, goal, norm)
    assert whole.steps_used is not None
    assert len(set(whole.steps_used.tolist())) > 1  # some stop before others
    assert goal.reached(model.function(whole.x)).all()
    assert ((whole.x >= 0) & (whole.x <= 1)).all()
    order = torch.tensor([3, 6, 0, 2, 5, 1, 4])
    found = attacked(deepfool, model, x[order], goal.at(order), norm)
    assert torch.equal(found.x, whole.x[order])
    broken = x.clone()
    broken[2] = float("nan")
    found = attacked(deepfool, model, broken, goal, norm)
    others = torch.tensor([0, 1, 3, 4, 5, 6])
    assert torch.equal(found.x[others], whole.x[others])
    assert found.step_success is not None
    assert found.step_success[2] == NEVER
    for i in range(7):
        row, counted = torch.tensor([i]), Counted(model)
        alone = deepfool.function(counted, x[row], goal.at(row), GEOMETRIES[norm])
        assert torch.equal(alone.x[0], whole.x[i])
        steps = int(whole.steps_used[i])
        assert counted.forwards.tolist() == [2 * steps]
        assert counted.backwards.tolist() == [4 * steps]


def test_candidates_are_the_most_likely_classes_of_the_clean_image() -> None:
    weight, offset = _linear("L2")
    model, x = linear(weight, offset), torch.full((1, *SHAPE), 0.5, dtype=torch.float64)
    goal = goal_of(model, x)
    reached = []
    for candidates in (2, 3, 4):
        found = attacked(deepfool, model, x, goal, "L2", candidates=candidates)
        reached.append(float(GEOMETRIES["L2"].size(found.x - x)))
    distance = torch.tensor([0.0, 0.25, 0.2, 0.3], dtype=torch.float64)[
        torch.cat([goal.ranked(k) for k in (1, 2, 3)])
    ].tolist()
    expected = [1.02 * (min(distance[: k + 1]) + 1e-4) for k in range(3)]
    assert reached == pytest.approx(expected, rel=1e-9)
    assert reached[0] > reached[2]


def test_a_target_is_reached() -> None:
    model, x = curved(), images(6)
    goal = goal_of(model, x)
    goal = goal.towards(goal.ranked(2))
    counted = Counted(model)
    found = deepfool.function(counted, x, goal, GEOMETRIES["L2"])
    assert found.step_success is not None
    done = found.step_success != NEVER
    assert done.sum() >= 4
    assert goal.targets is not None
    assert torch.equal(model.function(found.x).argmax(1)[done], goal.targets[done])
    assert torch.equal(found.x[~done], x[~done])
    assert counted.backwards.tolist() == found.steps_used.tolist()  # one boundary each


def test_images_that_are_wrong_already_stay_and_slopes_of_zero_move_nothing() -> None:
    model, x = curved(), images(2)
    goal = Goal((goal_of(model, x).labels + 1) % 5)
    counted = Counted(model)
    found = deepfool.function(counted, x, goal, GEOMETRIES["L2"])
    assert torch.equal(found.x, x)
    assert counted.forwards.tolist() == [1, 1]  # for the clean logits that the goal does not have
    flat = linear(torch.zeros((3, *SHAPE), dtype=torch.float64), torch.arange(3).double())
    assert torch.equal(attacked(deepfool, flat, x, goal_of(flat, x), "L2").x, x)


def test_impossible_settings_are_explained() -> None:
    for text, said in (
        ("steps=0", "steps must be at least 1, not 0"),
        ("candidates=1", "candidates counts the label and must be at least 2, not 1"),
        ("overshoot=-1", "overshoot must be 0 or more, not -1"),
    ):
        with pytest.raises(UsageError, match=f"deepfool: {said}"):
            stress(f"deepfool({text})")
