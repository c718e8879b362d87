"""What every registered attack keeps to; a new one is tested the day it appears."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
import torch
from attack_world import Tried, attacked, pictures
from boundary_world import SHAPE, Bare, curved, linear
from test_stress_contracts import EXAMPLES
from torch import Tensor

import roadworthy as rw
from roadworthy.errors import RoadworthyError
from roadworthy.models.base import Network
from roadworthy.models.build import build
from roadworthy.spec import Spec, parse
from roadworthy.stress import STRESSES, play
from roadworthy.stress.ball import Ball
from roadworthy.stress.base import attack
from roadworthy.stress.draws import BatchDraws
from roadworthy.stress.goal import Goal
from roadworthy.stress.norm_names import Norm
from roadworthy.stress.watch import Found
from roadworthy.types import Need, Tap

ATTACKS = sorted(
    name
    for name in STRESSES
    if STRESSES.get(name).tap is Tap.INPUT and not STRESSES.get(name).measures
)
NORMLESS = [name for name in ATTACKS if STRESSES.get(name).normless]
BUDGETED = [
    name for name in ATTACKS if not (STRESSES.get(name).minimal or STRESSES.get(name).normless)
]
LONG = {"autoattack"}
"""Attacks that take seconds for any image; their members are tested one by one."""

SPECS = {name: EXAMPLES.get(name, name) for name in ATTACKS}
SHORT = sorted(set(ATTACKS) - LONG)
QUICK = sorted(set(BUDGETED) - LONG)
EPS: dict[Norm, float] = {"Linf": 0.1, "L2": 0.5, "L1": 1.5, "L0": 4}
IMAGES = 7


def given(spec: str, **params: Any) -> str:
    """Return ``spec`` with other parameters."""
    one = parse(spec)
    kept = tuple((name, value) for name, value in one.params if name not in params)
    return str(Spec(one.name, one.args, (*kept, *params.items()), one.path))


def norms(name: str) -> tuple[Norm, ...]:
    """Return the norms of an attack that it has a budget in, or looks for the smallest change in."""
    (found,) = [p.type.__args__ for p in STRESSES.get(name).parameters if p.name == "norm"]
    return tuple(found)


CASES = [(name, norm) for name in QUICK for norm in norms(name)]


def tried(
    spec: str,
    rows: list[int] | None = None,
    *,
    x: Tensor | None = None,
    model: Bare | None = None,
) -> Tried:
    """Attack what the model (the curved one) says now, each image drawing by its number."""
    model = curved() if model is None else model
    batch = pictures(IMAGES) if x is None else x
    labels = model.function(pictures(IMAGES)).argmax(1)
    rows = list(range(IMAGES)) if rows is None else rows
    return attacked(spec, model, batch[rows], labels[rows], names=[str(i) for i in rows])


def in_norm(name: str, norm: Norm, **params: Any) -> str:
    """Return the example of an attack under a budget of ``norm``; members go along."""
    one = parse(SPECS[name])
    args = tuple(
        Spec(m.name, m.args, tuple(p for p in m.params if p[0] not in ("eps", "norm")), m.path)
        if isinstance(m, Spec)
        else m
        for m in one.args
    )
    return given(str(Spec(one.name, args, one.params, one.path)), norm=norm, **params)


@pytest.mark.parametrize(("name", "norm"), CASES)
def test_what_a_budgeted_attack_returns_is_inside_ball_and_box(
    monkeypatch: pytest.MonkeyPatch, name: str, norm: Norm
) -> None:
    monkeypatch.setattr(play, "_kept_inside", lambda one, found, work: found)
    found = tried(in_norm(name, norm, eps=EPS[norm]))
    assert (found.size <= EPS[norm] + 1e-6).all()
    assert (found.x >= 0).all()
    assert (found.x <= 1).all()


@pytest.mark.parametrize(("name", "norm"), CASES)
def test_no_budget_leaves_the_clean_images(name: str, norm: Norm) -> None:
    found = tried(in_norm(name, norm, eps=0))
    assert torch.equal(found.x, found.clean)
    assert not found.reached.any()


DENSE = [case for case in CASES if case[1] in ("Linf", "L2")]
"""Sparse steps, as few as the examples have, reach only few elements whatever the budget."""


@pytest.mark.parametrize(("name", "norm"), DENSE)
def test_more_budget_breaks_no_less(name: str, norm: Norm) -> None:
    # Where the loss is no more than a slope; elsewhere a few large steps may miss what small ones hit.
    model = linear(
        torch.randn((3, *SHAPE), generator=torch.Generator().manual_seed(1)), torch.zeros(3)
    )
    broken = [
        tried(in_norm(name, norm, eps=eps * EPS[norm]), model=model).reached for eps in (1, 3, 9)
    ]
    for less, more in pairwise(broken):
        assert not (less & ~more).any()
    assert broken[-1].any()


STEPPED = [
    n for n in QUICK if {"steps", "step", "stop"} <= {p.name for p in STRESSES.get(n).parameters}
]


@pytest.mark.parametrize("name", STEPPED)
def test_more_steps_break_no_image_less(name: str) -> None:
    broken = [
        tried(f"{name}(eps=0.1, step=0.02, steps={steps}, stop=success)").reached
        for steps in (1, 2, 4, 8)
    ]
    for fewer, more in pairwise(broken):
        assert not (fewer & ~more).any()
    assert broken[-1].sum() > broken[0].sum()


@pytest.mark.parametrize("name", SHORT)
def test_company_and_order_change_no_bit(name: str) -> None:
    whole = tried(SPECS[name])
    alone = torch.cat([tried(SPECS[name], [i]).x for i in range(IMAGES)])
    threes = torch.cat([tried(SPECS[name], rows).x for rows in ([0, 1, 2], [3, 4, 5], [6])])
    mixed = [4, 2, 6, 0, 5, 1, 3]
    assert torch.equal(alone, whole.x)
    assert torch.equal(threes, whole.x)
    assert torch.equal(tried(SPECS[name], mixed).x, whole.x[mixed])
    one = tried(SPECS[name], [3])
    assert one.counted.forwards[0] == whole.counted.forwards[3]
    assert one.counted.backwards[0] == whole.counted.backwards[3]


@pytest.mark.parametrize("name", SHORT)
def test_a_nan_image_and_a_wrong_one_change_no_other_row(name: str) -> None:
    whole, x = tried(SPECS[name]), pictures(IMAGES)
    x[1], x[4] = torch.nan, pictures(1, seed=50)[0]
    labels = curved().function(pictures(IMAGES)).argmax(1)
    labels[4] = (curved().function(x[4:5]).argmax(1) + 1) % 5  # it is wrong from the start
    other = attacked(SPECS[name], curved(), x, labels)
    assert torch.equal(other.x[[0, 2, 3, 5, 6]], whole.x[[0, 2, 3, 5, 6]])
    assert other.reached[4]
    assert not other.reached[1]


@pytest.mark.parametrize("name", SHORT)
def test_memory_layout_changes_nothing(name: str) -> None:
    whole, x = tried(SPECS[name]), pictures(IMAGES)
    strided = torch.stack([x, -x], dim=-1).flatten(3)[..., ::2]
    assert not strided.is_contiguous()
    found = tried(SPECS[name], x=strided)
    torch.testing.assert_close(found.x, whole.x, rtol=0, atol=1e-9)
    assert torch.equal(x, pictures(IMAGES))  # the caller's images are left alone


@pytest.mark.parametrize("name", SHORT)
def test_whole_numbers_are_refused(name: str) -> None:
    model = build(Network(name="t", module=torch.nn.Sequential(torch.nn.Flatten(), _linear())))
    x = (pictures(2) * 255).to(torch.uint8)
    with pytest.raises(RoadworthyError, match="takes a float tensor"):
        attacked(SPECS[name], model, x, torch.zeros(2, dtype=torch.long))


def _linear() -> torch.nn.Module:
    torch.manual_seed(0)
    return torch.nn.Linear(3 * 32 * 32, 5)


def test_a_model_in_training_mode_is_attacked_as_it_is_used() -> None:
    net = torch.nn.Sequential(torch.nn.Flatten(), _linear(), torch.nn.Dropout(0.9)).train()
    x = pictures(3, shape=(3, 32, 32)).float()
    labels = net.eval()(x).argmax(1)
    quiet, loud = (rw.wrap(net.train(mode), size=32) for mode in (False, True))
    one, other = (attacked("pgd(eps=0.01, steps=3)", model, x, labels) for model in (quiet, loud))
    assert torch.equal(one.x, other.x)
    assert net.training  # the user's module is left as it is


def assert_works(found: Tried) -> None:
    """Fail an attack that cannot be one: it moves no pixel, or asks for no gradient it needs."""
    moved = (found.x != found.clean).flatten(1).any(1)
    assert moved.any(), f"{found.stress.spec} moved no pixel of any image"
    assert (found.counted.forwards > 0).all(), f"{found.stress.spec} never asked the model"
    if Need.GRADIENT in found.stress.needs:
        assert (found.counted.backwards > 0).all(), f"{found.stress.spec} made no backward pass"


@pytest.mark.parametrize("name", SHORT)
def test_an_attack_moves_pixels_and_takes_the_gradients_it_needs(name: str) -> None:
    assert_works(tried(SPECS[name]))


def _idle(model: Any, x: Tensor, goal: Goal, ball: Ball) -> Found:
    model.logits(x.clone().requires_grad_()).sum().backward()
    return Found(x)


def _noise(model: Any, x: Tensor, goal: Goal, ball: Ball, *, rng: BatchDraws) -> Found:
    model.logits(x)
    return Found(ball.random_start(x, rng))


@pytest.mark.parametrize(
    ("fake", "said"), [(_idle, "moved no pixel"), (_noise, "made no backward pass")]
)
def test_the_contract_catches_attacks_that_do_nothing(
    monkeypatch: pytest.MonkeyPatch, fake: Any, said: str
) -> None:
    item = replace(attack(Need.GRADIENT)(fake), name="pgd")
    monkeypatch.setattr(type(STRESSES), "get", lambda self, name: item)
    with pytest.raises(AssertionError, match=said):
        assert_works(tried("pgd(eps=0.1)"))
