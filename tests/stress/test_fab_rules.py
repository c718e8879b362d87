"""What FAB keeps to whatever the model: batches, budgets, restarts, targets and what it costs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from boundary_world import SHAPE, Bare, attacked, curved, draws, goal_of, linear
from test_fab import BOTH, NORMS, images
from torch import Tensor

from roadworthy.engine.plan import missing_needs
from roadworthy.errors import UsageError
from roadworthy.models.counted import Counted
from roadworthy.registry import Definition
from roadworthy.stress._norms import GEOMETRIES
from roadworthy.stress.attacks.fab import fab
from roadworthy.stress.attacks.fab_targeted import fab_targeted
from roadworthy.stress.bound import stress
from roadworthy.stress.norm_names import Norm
from roadworthy.stress.watch import NEVER, Found
from roadworthy.types import Classes, Need

MANY: dict[str, Any] = {"steps": 6, "restarts": 2}


def _fields(found: Found) -> tuple[Tensor, ...]:
    assert found.steps_used is not None
    assert found.step_success is not None
    return found.x, found.steps_used, found.step_success


@pytest.mark.parametrize("within", [None, 0.08])
@pytest.mark.parametrize("attack", BOTH, ids=lambda a: a.name)
def test_an_image_gets_the_same_in_any_batch_and_order(
    attack: Definition, within: float | None
) -> None:
    model, x = curved(classes=8), images(11)
    goal = goal_of(model, x)
    given = {**MANY, "within": within}
    whole = attacked(attack, model, x, goal, "Linf", **given)
    counted = Counted(model)
    order = torch.from_numpy(np.random.default_rng(0).permutation(11))
    rng = draws(11).at(order)
    found = attack.function(counted, x[order], goal.at(order), GEOMETRIES["Linf"], **given, rng=rng)
    for one, other in zip(_fields(found), _fields(whole), strict=True):
        assert torch.equal(one, other[order])
    alone = Counted(model)
    for i in (0, 4, 10):
        row = torch.tensor([i])
        geometry = GEOMETRIES["Linf"]
        rng = draws(11).at(row)
        single = Counted(model)
        found = attack.function(single, x[row], goal.at(row), geometry, **given, rng=rng)
        for one, other in zip(_fields(found), _fields(whole), strict=True):
            assert torch.equal(one[0], other[i])
        place = int((order == i).nonzero())
        assert single.forwards[0] == counted.forwards[place]
        assert single.backwards[0] == counted.backwards[place]
    assert alone.forwards.ndim == 0


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("attack", BOTH, ids=lambda a: a.name)
def test_nan_changes_no_other_row(attack: Definition, norm: Norm) -> None:
    model, x = curved(), images(4)
    goal = goal_of(model, x)
    whole = attacked(attack, model, x, goal, norm, **MANY)
    broken = x.clone()
    broken[2] = float("nan")
    found = attacked(attack, model, broken, goal, norm, **MANY)
    others = torch.tensor([0, 1, 3])
    for one, other in zip(_fields(found), _fields(whole), strict=True):
        assert torch.equal(one[others], other[others])
    assert found.step_success is not None
    assert found.step_success[2] == NEVER


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("norm", NORMS)
def test_what_is_found_is_adversarial_in_the_box_and_as_far_as_said(
    norm: Norm, layout: torch.memory_format
) -> None:
    model, x = curved(dtype=torch.float32), images(5).float().to(memory_format=layout)
    goal = goal_of(model, x)
    found = attacked(fab_targeted, model, x, goal, norm, steps=10)
    assert found.x.dtype == torch.float32
    assert found.x.is_contiguous(memory_format=layout)
    assert ((found.x >= 0) & (found.x <= 1)).all()
    assert goal.reached(model.function(found.x)).all()
    alone = goal.at(torch.tensor([0]))
    assert alone.reached(model.function(found.x[:1])).all()
    assert all(((z >= 0) & (z <= 1)).all() for z in model.asked)


def test_within_finishes_images_and_changes_nothing_for_the_others() -> None:
    model, x = curved(classes=8), images(6)
    goal, geometry = goal_of(model, x), GEOMETRIES["L2"]
    whole = attacked(fab_targeted, model, x, goal, "L2", steps=12)
    size = geometry.size(whole.x - x)
    budget = float(size.sort().values[2:4].mean())
    counted = Counted(model)
    found = fab_targeted.function(counted, x, goal, geometry, steps=12, within=budget, rng=draws(6))
    near = geometry.size(found.x - x) <= budget
    assert torch.equal(near, size <= budget)
    assert near.sum() == 3
    assert torch.equal(found.x[~near], whole.x[~near])
    assert found.steps_used is not None
    assert (found.steps_used[near] < 12).all()
    assert (found.steps_used[~near] == 12).all()
    assert found.step_success is not None  # within the budget, not just anywhere
    assert torch.equal(found.step_success[near], found.steps_used[near])
    assert (found.step_success[~near] < 12).all()
    steps = found.steps_used.numpy()
    assert (counted.backwards == 7 * steps).all()
    assert (counted.forwards == 14 * steps).all()


def test_the_first_step_that_succeeds_is_told() -> None:
    model, x = curved(), images(5)
    goal = goal_of(model, x)
    long = attacked(fab, model, x, goal, "Linf", steps=6)
    assert long.step_success is not None
    for steps in range(1, 7):
        found = attacked(fab, model, x, goal, "Linf", steps=steps)
        reached = goal.reached(model.function(found.x))
        assert torch.equal(reached, (long.step_success != NEVER) & (long.step_success <= steps))


@pytest.mark.parametrize("budget", [False, True])
def test_restarts_begin_at_half_of_what_is_known_and_never_lose(budget: bool) -> None:
    model, x = curved(classes=6), images(3)
    goal, geometry = goal_of(model, x), GEOMETRIES["Linf"]
    once = attacked(fab_targeted, model, x, goal, "Linf", steps=4)
    best = geometry.size(once.x - x)
    within = 0.3 * float(best.min()) if budget else None
    model.asked.clear()
    twice = attacked(fab_targeted, model, x, goal, "Linf", steps=4, restarts=2, within=within)
    assert (geometry.size(twice.x - x) <= best).all()
    start, limit = model.asked[8].view(5, 3, *SHAPE), best.clamp_max(within or 1.0) / 2
    for way in start:
        assert (geometry.size(way - x) <= limit * (1 + 1e-9)).all()
        assert (geometry.size(way - x) > 0.8 * limit).all()
    assert len({tuple(way.flatten().tolist()) for way in start}) == 5


@pytest.mark.parametrize("attack", BOTH, ids=lambda a: a.name)
def test_a_target_is_reached_even_past_a_third_class(attack: Definition) -> None:
    # label 1 - 4 b, target a, third class 0.8 + 2 a - b: the label is not the last to be passed
    weight = torch.zeros((3, *SHAPE), dtype=torch.float64)
    weight[0, 0, 0, 1], weight[1, 0, 0, 0] = -4, 1
    weight[2, 0, 0, 0], weight[2, 0, 0, 1] = 2, -1
    model = linear(weight, torch.tensor([3.0, -0.5, 0.3], dtype=torch.float64))
    x = torch.full((2, *SHAPE), 0.5, dtype=torch.float64)
    goal = goal_of(model, x, targets=torch.tensor([1, 1]))
    counted, geometry = Counted(model), GEOMETRIES["L2"]
    found = attack.function(counted, x, goal, geometry, steps=25, rng=draws(2))
    assert torch.equal(model.function(found.x).argmax(1), torch.tensor([1, 1]))
    nearest = torch.full((2,), 0.8 / 2**0.5, dtype=torch.float64)
    torch.testing.assert_close(geometry.size(found.x - x), nearest, rtol=0.01, atol=0)
    assert (counted.backwards == 25).all()


def test_targets_are_at_most_the_other_classes() -> None:
    model, x = curved(classes=3), images(2)
    counted = Counted(model)
    fab_targeted.function(
        counted, x, goal_of(model, x), GEOMETRIES["L2"], targets=9, steps=2, rng=draws(2)
    )
    assert (counted.backwards == 4).all()
    assert (counted.forwards == 8).all()


def test_a_model_without_a_slope_is_left_alone() -> None:
    flat = linear(torch.zeros((3, *SHAPE), dtype=torch.float64), torch.arange(3).double())
    x = images(2)
    found = attacked(fab_targeted, flat, x, goal_of(flat, x), "L1", steps=2, restarts=2)
    assert torch.equal(found.x, x)
    assert found.step_success is not None
    assert (found.step_success == NEVER).all()


def _of(classes: int) -> Bare:
    return Bare(lambda x: x, classes=Classes(classes), gives=frozenset(Need))


def test_too_many_classes_and_impossible_settings_are_explained() -> None:
    for text in ("fab", "cascade(fgsm, fab, eps=1/255)", "autoattack(eps=1/255, version=plus)"):
        one = stress(text)
        assert missing_needs(one, _of(100)) == ""
        assert "at most 100 make sense, the model has 101" in missing_needs(one, _of(101))
    assert missing_needs(stress("autoattack(eps=1/255)"), _of(1000)) == ""
    for setting in ("steps=0", "restarts=0", "targets=0", "overshoot=0.9", "backward=1.5"):
        with pytest.raises(UsageError, match=f"fab: {setting.split('=')[0]} must be"):
            stress(f"fab_targeted({setting})")
    with pytest.raises(UsageError, match="within must be a distance or none, not -1"):
        stress("fab(within=-1)")
    assert stress("fab_targeted(within=8/255)").settings
