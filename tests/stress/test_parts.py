"""Parts of an attack: exactly those of the papers, in whatever order they are written."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np
import pytest
import torch
from attack_world import attacked, pictures
from boundary_world import Bare, draws, linear
from parts_slowly import SHAPE, Slowly, bent, placed, smoothed
from torch import Tensor

from roadworthy.models.gradient import View, value_and_gradient
from roadworthy.seed import rng_for
from roadworthy.stress._attacks.estimate import passes_of
from roadworthy.stress.draws import FastDraws
from roadworthy.stress.goal import Goal
from roadworthy.stress.losses import LOSSES
from roadworthy.stress.parts import PARTS
from roadworthy.stress.watch import NEVER

ALL = "diverse(rate=0.6), translation(kernel=3), variance(draws=2), scale(copies=2), nesterov"


def _label(model: Bare, x: Tensor) -> Tensor:
    return model.function(x).argmax(1)


@pytest.mark.parametrize(
    ("parts", "given"),
    [
        ("nesterov", {"nesterov": True}),
        ("scale(copies=3)", {"copies": 3}),
        ("diverse(rate=0.6, probability=0.6)", {"diverse": (0.6, 0.6)}),
        ("diverse(rate=1.3, probability=1)", {"diverse": (1.3, 1.0)}),
        ("translation(kernel=5, sigmas=2)", {"kernel": (5, 2.0)}),
        ("translation", {"kernel": (15, 3.0)}),
        ("variance(draws=3, radius=0.5)", {"variance": (3, 0.5)}),
        (
            ALL,
            {
                "nesterov": True,
                "copies": 2,
                "diverse": (0.6, 0.7),
                "kernel": (3, 3.0),
                "variance": (2, 1.5),
            },
        ),
    ],
)
@pytest.mark.parametrize("decay", [1.0, 0.5])
def test_an_attack_in_parts_is_the_loop_of_the_papers(
    parts: str, given: dict[str, Any], decay: float
) -> None:
    model, x = bent(), pictures(3, shape=SHAPE)
    labels = _label(model, x)
    spec = f"mim(eps=0.1, steps=4, step=0.04, decay={decay}, parts=({parts}))"
    tried = attacked(spec, model, x, labels)
    slowly = Slowly(eps=0.1, steps=4, alpha=0.04, decay=decay, **given)
    for index, image in enumerate(x):
        rng = FastDraws(rng_for(0, "mim", 1, str(index), tried.stress.settings[0].key))
        expected = slowly.attack(model, image, int(labels[index]), rng)
        torch.testing.assert_close(tried.x[index], expected, rtol=0, atol=1e-12)
    plain = attacked(f"mim(eps=0.1, steps=4, step=0.04, decay={decay})", model, x, labels).x
    assert not torch.equal(tried.x, plain)


@pytest.mark.parametrize(
    "parts",
    [
        "scale(copies=1)",
        "diverse(probability=0)",
        "diverse(rate=1)",
        "translation(kernel=1)",
        "variance(draws=0)",
        "variance(draws=3, radius=0)",
        "scale(copies=1), diverse(probability=0), translation(kernel=1), variance(radius=0)",
    ],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_neutral_parts_change_no_bit(parts: str, dtype: torch.dtype) -> None:
    model, x = bent(), pictures(4, shape=SHAPE).to(dtype)
    x = x.contiguous(memory_format=torch.channels_last)
    labels = _label(model, x)
    plain = attacked("mim(eps=0.1, steps=5)", model, x, labels)
    tried = attacked(f"mim(eps=0.1, steps=5, parts=({parts}))", model, x, labels)
    assert torch.equal(tried.x, plain.x)


def test_the_order_in_which_parts_are_written_does_not_matter() -> None:
    model, x = bent(), pictures(2, shape=SHAPE)
    labels = _label(model, x)
    three = ("diverse(rate=0.6)", "scale(copies=2)", "variance(draws=2)")
    found = [
        attacked(f"mim(eps=0.1, steps=3, parts=({', '.join(order)}))", model, x, labels)
        for order in permutations(three)
    ]
    assert len({tried.stress.digest for tried in found}) == 1
    assert len({tried.stress.spec for tried in found}) == 1
    assert all(torch.equal(tried.x, found[0].x) for tried in found)


@pytest.mark.parametrize("stop", ["never", "success"])
def test_no_result_depends_on_the_batch(stop: str) -> None:
    model, x = bent(), pictures(6, shape=SHAPE)
    labels = _label(model, x)
    spec = f"mim(eps=0.12, steps=4, stop={stop}, parts=({ALL}))"
    whole = attacked(spec, model, x, labels)
    assert whole.reached.any()
    order = torch.tensor([4, 1, 5, 0, 3, 2])
    names = [str(i) for i in order.tolist()]
    mixed = attacked(spec, model, x[order], labels[order], names=names)
    assert torch.equal(mixed.x, whole.x[order])
    for i in range(len(x)):
        alone = attacked(spec, model, x[i : i + 1], labels[i : i + 1], names=[str(i)])
        assert torch.equal(alone.x[0], whole.x[i])
        assert alone.counted.forwards[0] == whole.counted.forwards[i]


def test_an_image_of_nan_changes_no_other() -> None:
    model, x = bent(), pictures(3, shape=SHAPE)
    labels, torn = _label(model, x), x.clone()
    torn[1, 0, 2, 2] = torch.nan
    spec = f"mim(eps=0.1, steps=3, parts=({ALL}))"
    one, other = (attacked(spec, model, batch, labels) for batch in (x, torn))
    assert torch.equal(one.x[[0, 2]], other.x[[0, 2]])
    assert other.found.nan_gradient is not None
    assert other.found.nan_gradient.tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("parts", "gradients"),
    [
        ("nesterov, translation", 4),
        ("scale(copies=3), diverse", 12),
        ("variance(draws=5)", 4 + 3 * 5),  # the last step needs no correction
        ("scale(copies=3), variance(draws=5)", 3 * (4 + 3 * 5)),
    ],
)
def test_every_gradient_is_counted_and_foreseen(parts: str, gradients: int) -> None:
    model, x = bent(), pictures(3, shape=SHAPE)
    tried = attacked(f"mim(eps=0.01, steps=4, parts=({parts}))", model, x, _label(model, x))
    assert tried.counted.forwards.tolist() == tried.counted.backwards.tolist() == [gradients] * 3
    assert passes_of(tried.stress) == (gradients, gradients)
    assert tried.found.step_success is None
    assert {len(asked) for asked in model.asked[1:]} == {3}


def test_stopping_looks_before_each_step_and_ends_at_the_first_success() -> None:
    model, x = bent(), pictures(8, shape=SHAPE)
    labels = _label(model, x)
    spec = "mim(eps=0.1, steps=6, step=0.002, stop={}, parts=(scale(copies=2)))"
    tried, whole = (attacked(spec.format(s), model, x, labels) for s in ("success", "never"))
    found = tried.found
    assert found.step_success is not None
    assert found.steps_used is not None
    early = found.step_success != NEVER
    assert 0 < early.sum() < 8
    assert torch.equal(tried.x[~early], whole.x[~early])
    assert tried.reached[early].all()
    for used, success, forwards, backwards in zip(
        found.steps_used.tolist(),
        found.step_success.tolist(),
        tried.counted.forwards.tolist(),
        tried.counted.backwards.tolist(),
        strict=True,
    ):
        assert backwards == 2 * used
        assert forwards == 2 * used + used + int(success != NEVER)
    assert passes_of(tried.stress) == (18, 12)


def test_smoothing_is_a_convolution_of_the_gradient() -> None:
    weight = torch.randn((2, *SHAPE), generator=torch.Generator().manual_seed(1)).double()
    x = torch.full((1, *SHAPE), 0.5, dtype=torch.float64)
    spec = "mim(eps=0.1, steps=1, loss=margin, parts=(translation(kernel=5)))"
    moved = attacked(spec, linear(weight, torch.zeros(2)), x, torch.zeros(1).long()).x - x
    slope = smoothed(weight[1] - weight[0], 5, 3.0)
    torch.testing.assert_close(moved[0], 0.1 * slope.sign())
    assert not torch.equal(slope.sign(), (weight[1] - weight[0]).sign())
    smooth = PARTS.get("translation").function(weight, kernel=5)
    torch.testing.assert_close(smooth[0], smoothed(weight[0], 5, 3.0), rtol=0, atol=1e-14)


@pytest.mark.parametrize("rate", [0.5, 0.85, 1.0, 1.4])
@pytest.mark.parametrize("sides", [(9, 8), (6, 11)])
def test_a_diverse_copy_is_resized_and_padded(rate: float, sides: tuple[int, int]) -> None:
    x, count = pictures(12, shape=(3, *sides)), 12
    function = PARTS.get("diverse").function
    (view,) = function(rate=rate, probability=0.5, rng=draws(count))
    shown = view(x)
    assert shown.shape == x.shape
    same = 0
    for index, image in enumerate(x):
        chance, size, top, left = draws(count).each[index].uniform(0.0, 1.0, (4,)).tolist()
        expected = placed(image, rate, size, top, left) if chance < 0.5 else image
        same += int(chance >= 0.5)
        torch.testing.assert_close(shown[index], expected, rtol=0, atol=1e-12)
    assert 0 < same < count


def test_diverse_copies_have_every_size_and_place() -> None:
    white, count = torch.ones((400, 1, 8, 8), dtype=torch.float64), 400
    function = PARTS.get("diverse").function
    (view,) = function(rate=0.5, probability=0.75, rng=draws(count))
    shown = view(white)[:, 0]
    sizes = shown.amax(2).sum(1).round().int().tolist()
    assert set(sizes) == {4, 5, 6, 7, 8}
    corners = {
        tuple(image.nonzero()[0].tolist())
        for image, size in zip(shown, sizes, strict=True)
        if size == 4
    }
    assert len(corners) > 15  # of 25
    assert {0, 4} <= {row for row, _ in corners} & {column for _, column in corners}
    # four sizes of five leave something black
    assert np.mean([size < 8 for size in sizes]) == pytest.approx(0.75 * 0.8, abs=0.08)


def test_the_model_is_asked_in_the_layout_that_came() -> None:
    model, x = bent(), pictures(3, shape=SHAPE).float()
    x = x.contiguous(memory_format=torch.channels_last)
    found = attacked(f"mim(eps=0.1, steps=3, parts=({ALL}))", model, x, _label(model, x)).x
    assert found.is_contiguous(memory_format=torch.channels_last)
    assert all(z.is_contiguous(memory_format=torch.channels_last) for z in model.asked)


def test_every_pass_of_a_random_model_gets_the_same_views() -> None:
    """The gradient is that of the expected loss at one copy, not at one copy for each pass."""
    weight = torch.arange(5 * 216).double().view(5, *SHAPE) / 1080
    models, x = (bent(), linear(weight, torch.zeros(5))), pictures(2, shape=SHAPE)

    @dataclass(frozen=True, eq=False)
    class Random(Bare):
        def passes(self) -> tuple[Bare, ...]:
            return models

    random = Random(models[0].function)
    labels = _label(models[0], x)
    loss = LOSSES["cross_entropy"]
    views: tuple[View, ...] = (lambda z: z / 2, lambda z: z.flip(3) + z[:1].detach())
    for view in views:
        _, _, gradient = value_and_gradient(random, loss, x, Goal(labels), view=view)
        leaf = x.clone().requires_grad_()
        each = [loss(model.function(view(leaf)), Goal(labels)).sum() for model in models]
        (expected,) = torch.autograd.grad(sum(each, torch.zeros(())) / 2, leaf)
        torch.testing.assert_close(gradient, expected)
        assert all(torch.equal(model.asked[-1], view(x)) for model in models)
