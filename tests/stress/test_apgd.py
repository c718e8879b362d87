from __future__ import annotations

from typing import Any

import pytest
import torch
from attack_world import attacked, pictures
from boundary_world import SHAPE, Bare, curved, draws, goal_of, linear
from torch import Tensor

from roadworthy.errors import UsageError
from roadworthy.models.counted import Counted
from roadworthy.stress._attacks import apgd_targets
from roadworthy.stress._attacks.apgd_rules import even, shrinking
from roadworthy.stress._norms import GEOMETRIES
from roadworthy.stress.attacks.apgd import apgd
from roadworthy.stress.attacks.apgd_targeted import apgd_targeted
from roadworthy.stress.ball import Ball
from roadworthy.stress.base import StressDefinition
from roadworthy.stress.bound import stress
from roadworthy.stress.goal import Goal
from roadworthy.stress.losses import cross_entropy, dlr
from roadworthy.stress.norm_names import Norm

NORMS: list[Norm] = ["Linf", "L2", "L1"]
EPS: dict[Norm, float] = {"Linf": 0.02, "L2": 0.08, "L1": 0.5}
ATTACKS = ["apgd", "apgd_targeted"]


def test_checkpoints_are_the_published_ones() -> None:
    assert list(shrinking(100)) == [22, 41, 57, 70, 80, 87, 93, 99]
    assert list(shrinking(100).values()) == [22, 19, 16, 13, 10, 7, 6, 6]
    assert list(even(100)) == list(range(4, 101, 4))
    assert list(shrinking(3)) == list(even(3)) == [1, 2, 3]


def test_dlr_ignores_shift_and_scale() -> None:
    logits = torch.randn((5, 6), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    labels = torch.tensor([0, 1, 2, 3, 4])
    for goal in (Goal(labels), Goal(labels, labels + 1)):
        torch.testing.assert_close(dlr(7.0 * logits - 3.0, goal), dlr(logits, goal))
        assert (dlr(logits * torch.arange(1.0, 7.0), goal) - dlr(logits, goal)).abs().max() > 0.01


def _broken(attack: StressDefinition, model: Bare, x: Tensor, ball: Ball, **given: Any) -> Tensor:
    """Return which images give way, each within a radius of its own."""
    goal = goal_of(model, x)
    found = attack.function(Counted(model), x, goal, ball, rng=draws(len(x)), **given)
    assert (ball.size(found.x - x) <= ball.eps * (1 + 1e-9)).all()
    return goal.reached(model.function(found.x))


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("attack", [apgd, apgd_targeted], ids=ATTACKS)
def test_linear_models_give_way_just_beyond_their_distance(
    attack: StressDefinition, norm: Norm
) -> None:
    """Cross-entropy climbs towards the nearest boundary only if there is but one; targets try all."""
    classes = 2 if attack is apgd else 5
    x, generator = pictures(6) * 0.02 + 0.49, torch.Generator().manual_seed(classes)
    weight = torch.randn((classes, *SHAPE), generator=generator, dtype=torch.float64)
    if norm == "L1":
        # Steps stay on two elements where one would do, two thirds of two being two: ties are fair.
        weight = weight.sign()
    model = linear(weight, -(0.5 * weight).sum((1, 2, 3)))
    logits = model.function(x)
    label = logits.argmax(1)
    gaps = logits.gather(1, label[:, None]) - logits
    rates = [GEOMETRIES[norm].dual(weight[one] - weight) for one in label]
    distance = (gaps / torch.stack(rates)).nan_to_num(float("inf")).amin(1)  # its own is 0 / 0
    for times, breaks in ((1.02, True), (0.98, False)):
        broken = _broken(attack, model, x, Ball(norm, times * distance), steps=100)
        assert broken.tolist() == [breaks] * 6, times


@pytest.mark.parametrize("stop", ["never", "success"])
@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("name", ATTACKS)
def test_batches_change_nothing(name: str, norm: Norm, stop: str) -> None:
    x, model = pictures(7, seed=1), curved()
    labels, names = goal_of(model, x).labels, [f"picture {i}" for i in range(7)]
    spec = f"{name}(eps={EPS[norm]}, norm={norm}, steps=7, stop={stop})"

    def found(rows: list[int]) -> tuple[Tensor, Tensor | None, Tensor | None]:
        of = [names[i] for i in rows]
        result = attacked(spec, model, x[rows], labels[rows], names=of).found
        return result.x, result.steps_used, result.step_success

    whole = found(list(range(7)))
    for batches in ([[i] for i in range(7)], [[0, 1, 2], [3, 4, 5], [6]], [[3, 0, 6, 5, 1, 2, 4]]):
        for rows in batches:
            for part, every in zip(found(rows), whole, strict=True):
                assert part is not None
                assert every is not None
                assert torch.equal(part, every[rows])


def test_targets_side_by_side_are_targets_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    x, model = pictures(12, seed=1), curved()
    labels = goal_of(model, x).labels
    spec = "apgd_targeted(eps=0.03, steps=10, stop={})"
    for stop in ("never", "success"):
        both = []
        for together in (1, 24, 48):
            monkeypatch.setattr(apgd_targets, "TOGETHER", together)
            both.append(attacked(spec.format(stop), model, x, labels))
        assert len({int(tried.counted.forwards.sum()) for tried in both}) > 1
        for other in both[1:]:
            assert torch.equal(other.x, both[0].x)
            for name in ("steps_used", "step_success"):
                assert torch.equal(getattr(other.found, name), getattr(both[0].found, name))


@pytest.mark.parametrize("norm", NORMS)
def test_the_answer_is_the_latest_success_or_the_best(norm: Norm) -> None:
    x, model = pictures(8, seed=1), curved()
    labels = goal_of(model, x).labels
    spec = f"apgd(eps={EPS[norm] / 2}, norm={norm}, steps=20, large_eps=false)"
    tried = attacked(spec, model, x, labels)
    iterates = torch.stack(model.asked[1:])  # the first was for the clean logits
    logits = torch.stack([model.function(z) for z in iterates])
    losses = torch.stack([cross_entropy(z, tried.goal) for z in logits])
    wrong = logits.argmax(2) != labels
    kinds = set()
    for row in range(8):
        at = [i for i, done in enumerate(wrong[:, row].tolist()) if done]
        expected = at[-1] if at else int(losses[:, row].argmax())
        torch.testing.assert_close(tried.x[row], iterates[expected, row], rtol=0, atol=1e-12)
        assert tried.found.step_success is not None
        assert int(tried.found.step_success[row]) == (at[0] if at else -1)
        kinds.add("latest" if at else "best")
    assert kinds == {"latest", "best"}


def test_larger_balls_come_first_and_do_not_count() -> None:
    x, model = pictures(4, seed=1), curved()
    spec = "apgd(eps=0.02, norm=L2, steps=20, large_eps=true, stop=success)"
    tried = attacked(spec, model, x, goal_of(model, x).labels)
    assert (tried.ball.size(tried.x - x) <= 0.02 + 1e-12).all()
    sizes = [float(tried.ball.size(z - x).max()) for z in model.asked[1:15]]
    assert max(sizes[:7]) > 0.05
    assert 0.03 < max(sizes[7:]) <= 0.04 + 1e-12
    success = tried.found.step_success
    assert success is not None
    assert (success[success >= 0] >= 12).all()


def test_a_broken_image_leaves_and_is_asked_about_no_more() -> None:
    x, model = pictures(12, seed=1), curved()
    tried = attacked("apgd(eps=0.02, steps=20, stop=success)", model, x, goal_of(model, x).labels)
    success = tried.found.step_success
    assert success is not None
    broken = success.numpy() >= 0
    assert broken.any()
    # a forward pass for the start and each step, and the quick one after the first
    assert (tried.counted.forwards[broken] <= success.numpy()[broken] + 2).all()
    assert (tried.counted.forwards[~broken] == 22).all()
    assert (tried.counted.backwards[~broken] == 20).all()


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("name", ATTACKS)
def test_nan_and_wrong_images_change_no_other(name: str, norm: Norm) -> None:
    x, model = pictures(6, seed=1), curved()
    labels = goal_of(model, x).labels
    spec = f"{name}(eps={EPS[norm]}, norm={norm}, steps=8, stop=success)"
    before = attacked(spec, model, x, labels)
    bad, wrong = x.clone(), labels.clone()
    bad[2] = float("nan")
    wrong[4] = (labels[4] + 1) % 5
    after = attacked(spec, model, bad, wrong)
    others = [0, 1, 3, 5]
    assert torch.equal(after.x[others], before.x[others])
    assert after.found.step_success is not None
    assert int(after.found.step_success[2]) == -1
    # under L1 the first steps, 2 and 2 of 8, are in larger balls
    assert int(after.found.step_success[4]) == (4 if norm == "L1" else 0)


def test_restarts_find_what_one_start_does_not() -> None:
    x, model = pictures(40, seed=1), curved()
    labels = goal_of(model, x).labels
    one, many = (
        attacked(f"apgd(eps=0.03, steps=1, norm=L2, restarts={n})", model, x, labels).reached
        for n in (1, 8)
    )
    assert (many >= one).all()
    assert many.sum() > one.sum()


def test_a_target_of_the_goal_is_the_only_one() -> None:
    x, model = pictures(6, seed=1), curved()
    labels = goal_of(model, x).labels
    targets = (labels + 1) % 5
    tried = attacked("apgd_targeted(eps=0.2, steps=10)", model, x, labels, targets=targets)
    assert tried.reached.any()
    assert (tried.found.steps_used == 10).all()  # type: ignore[union-attr]


def test_two_classes_leave_one_target() -> None:
    weight = torch.ones((2, *SHAPE), dtype=torch.float64) * torch.tensor([1.0, -1.0]).view(
        2, 1, 1, 1
    )
    model = linear(weight, torch.tensor([0.0, 40.0]))
    x = pictures(4, seed=1)
    tried = attacked("apgd_targeted(eps=1e-6, steps=5)", model, x, goal_of(model, x).labels)
    assert (tried.found.steps_used == 5).all()  # type: ignore[union-attr]


def test_no_budget_no_change() -> None:
    x, model = pictures(3), curved()
    for norm in NORMS:
        tried = attacked(f"apgd(eps=0, norm={norm}, steps=5)", model, x, goal_of(model, x).labels)
        assert torch.equal(tried.x, x)


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("apgd(eps=0.1, steps=0)", "steps must be at least 1"),
        ("apgd(eps=0.1, increase_share=1.5)", "increase_share"),
        ("apgd_targeted(eps=0.1, targets=0)", "targets must be at least 1"),
        ("apgd(eps=0.1, norm=L0)", "norm"),
        ("apgd(eps=0.1, large_eps=perhaps)", "large_eps"),
    ],
)
def test_what_means_nothing_is_refused(spec: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        stress(spec)


def test_costs_are_told_beforehand() -> None:
    x, model = pictures(3), curved()
    for spec in (
        "apgd(eps=1e-9, steps=10)",
        "apgd(eps=1e-9, steps=10, norm=L1)",
        "apgd_targeted(eps=1e-9, steps=10, targets=3)",
    ):
        tried = attacked(spec, model, x, goal_of(model, x).labels)
        definition, setting = tried.stress.definition, tried.stress.settings[0]
        assert definition.passes is not None
        forwards, backwards = definition.passes(setting.arguments)
        assert set(tried.counted.forwards.tolist()) == {forwards}
        assert set(tried.counted.backwards.tolist()) == {backwards}
