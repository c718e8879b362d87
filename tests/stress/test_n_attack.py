"""N-attack beside its published formulas, where every answer is known."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from attack_world import Tried, attacked, pictures
from boundary_world import SHAPE, Bare, curved, draws, linear
from numpy.typing import NDArray
from torch import Tensor

from roadworthy.models.counted import Counted
from roadworthy.seed import rng_for
from roadworthy.stress._attacks import queries as budget
from roadworthy.stress.attacks.n_attack import _better
from roadworthy.stress.ball import Ball
from roadworthy.stress.bound import stress
from roadworthy.stress.draws import FastDraws
from roadworthy.stress.goal import Goal
from roadworthy.stress.losses import LOSSES, margin
from roadworthy.stress.watch import Watch

SIZE = math.prod(SHAPE)
CHANNELS, HEIGHT, WIDTH = SHAPE
WEIGHT = torch.randn((2, *SHAPE), generator=torch.Generator().manual_seed(3), dtype=torch.float64)
SLOPE = WEIGHT[1] - WEIGHT[0]
"""The gradient of the margin of class 0."""


def straight() -> Bare:
    return linear(WEIGHT, torch.tensor([50.0, 0.0], dtype=torch.float64))


def run(spec: str, model: Bare, x: Tensor, **given: Any) -> Tried:
    return attacked(spec, model, x, model.function(x).argmax(1), **given)


def published(model: Bare, x: Tensor, drawn: NDArray[Any], spec: str) -> Tensor:
    """Return the image after one step from draws (samples, C, H, W), as the paper's formulas say."""
    given = stress(spec).settings[0].arguments
    ball = Ball("Linf", torch.full((1,), float(given["eps"]), dtype=torch.float64))
    first, *noise = torch.from_numpy(drawn).double()
    clean = torch.atanh((2 * x - 1) * 0.999999)
    mean = given["start"] * first
    around = [clean + mean + given["spread"] * u for u in noise]
    images = torch.cat([ball.project(x, (torch.tanh(w) + 1) / 2) for w in around])
    goal = Goal(model.function(x).argmax(1)).repeated(len(noise))
    losses = LOSSES[given["loss"]](model.function(images), goal)
    better = (losses - losses.mean()) / losses.std(correction=0)
    product = sum(u * a for u, a in zip(noise, better, strict=True))
    mean = mean + given["step"] / (given["samples"] * given["spread"]) * product
    return ball.project(x, (torch.tanh(clean + mean) + 1) / 2)


@pytest.mark.parametrize(
    ("start", "loss", "samples"),
    [(0.0, "margin", 24), (0.2, "margin", 24), (0.2, "cross_entropy", 24), (0.0, "margin", 60)],
)
def test_a_step_is_that_of_the_published_formulas(start: float, loss: str, samples: int) -> None:
    spec = (
        f"n_attack(eps=0.2, samples={samples}, queries=25, spread=0.3, step=0.05, start={start}, "
        f"loss={loss})"
    )
    model, x, one = curved(), pictures(3), stress(spec)
    found = run(f"{spec[:-1]}, stop=never)", model, x)
    for row in range(3):
        rng = FastDraws(rng_for(0, "n_attack", 1, str(row), one.settings[0].key))
        drawn = np.stack([rng.normal_field((HEIGHT, WIDTH, CHANNELS)) for _ in range(25)])
        wanted = published(model, x[row : row + 1], drawn.transpose(0, 3, 1, 2), spec)
        torch.testing.assert_close(found.x[row : row + 1], wanted, rtol=0, atol=1e-9)
        assert float((wanted - x[row]).abs().max()) > 0.01


@pytest.mark.parametrize("count", [40, 200])
def test_the_estimate_follows_the_gradient_as_its_law_says(count: int) -> None:
    images, x = 200, torch.full((200, *SHAPE), 0.5, dtype=torch.float64)
    counted = Counted(straight()).at(torch.arange(images), images=images)
    ball = Ball("Linf", torch.full((images,), 1.0, dtype=torch.float64))
    goal = Goal(torch.zeros(images, dtype=torch.long))
    watch = Watch(counted, x, goal, ball, stop="never", rng=draws(images))
    found, _ = _better(watch, torch.zeros_like(x), count, spread=1e-3, loss=margin)
    # the mean of u <u, w> / |w|: of length 1 along w, and of square length 1 + (size - 1) / count
    along = (found * SLOPE).sum((1, 2, 3)) / SLOPE.norm()
    assert float(along.mean()) == pytest.approx(1.0, abs=0.03)
    squares = (found**2).sum((1, 2, 3)).mean()
    assert float(squares) == pytest.approx(1 + (SIZE - 1) / count, rel=0.06)
    assert (counted.forwards == count).all()


def test_draws_come_one_by_one_however_many_go_into_a_call(monkeypatch: pytest.MonkeyPatch) -> None:
    found, sizes = [], []
    for together in (1, 64, 1000):
        monkeypatch.setitem(budget.TOGETHER, "cpu", together)
        model = curved()
        found.append(
            run("n_attack(eps=0.1, samples=40, queries=82, stop=never)", model, pictures(5)).x
        )
        sizes.append(max(len(asked) for asked in model.asked))
    assert sizes == [5, 60, 200]
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])


def test_a_draw_without_an_answer_says_nothing_and_the_others_go_on() -> None:
    model = straight()

    def holes(x: Tensor) -> Tensor:
        return torch.where(x[:, 0, 0, :1] > 0.5, torch.nan, model.function(x))

    x, goal = (
        torch.full((6, *SHAPE), 0.5, dtype=torch.float64),
        Goal(torch.zeros(6, dtype=torch.long)),
    )
    counted = Counted(Bare(holes)).at(torch.arange(6), images=6)
    ball = Ball("Linf", torch.full((6,), 0.3, dtype=torch.float64))
    watch = Watch(counted, x, goal, ball, stop="never", rng=draws(6))
    found, _ = _better(watch, torch.zeros_like(x), 200, spread=0.1, loss=margin)
    for row, rng in enumerate(draws(6).each):
        noise = np.stack([rng.normal_field((HEIGHT, WIDTH, CHANNELS)) for _ in range(200)])
        drawn = torch.from_numpy(noise).double().permute(0, 3, 1, 2)
        drawn = drawn[drawn[:, 0, 0, 0] <= 0]
        assert 60 < len(drawn) < 140
        images = (torch.tanh(0.1 * drawn) + 1) / 2
        losses = margin(model.function(images), goal.at(torch.tensor([row])).repeated(len(drawn)))
        better = (losses - losses.mean()) / losses.std(correction=0)
        wanted = (drawn * better.view(-1, 1, 1, 1)).mean(0)
        torch.testing.assert_close(found[row], wanted, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("deviation", "dtype", "length"),
    [(0.1, torch.float32, 1.0), (1e-3, torch.float64, 1.0), (1e-12, torch.float64, 0.0)],
)
def test_small_differences_of_large_losses_count_unless_they_are_rounding(
    deviation: float, dtype: torch.dtype, length: float
) -> None:
    count, x = 60, torch.full((60, *SHAPE), 0.5, dtype=dtype)
    direction = SLOPE / SLOPE.norm()

    def loss(logits: Tensor, goal: Goal) -> Tensor:
        del goal
        large = 1e5 if deviation > 1e-6 else 0.0
        return (large + deviation * logits[:, 0].double()).to(dtype)

    model = Bare(
        lambda z: (20 * (z.double() - 0.5) * direction).sum((1, 2, 3))[:, None].repeat(1, 2)
    )
    counted = Counted(model).at(torch.arange(count), images=count)
    ball, goal = Ball("Linf", torch.ones(count)), Goal(torch.zeros(count, dtype=torch.long))
    watch = Watch(counted, x, goal, ball, stop="never", rng=draws(count))
    found, _ = _better(watch, torch.zeros_like(x), 100, spread=0.1, loss=loss)
    found = found.double()
    for row, rng in enumerate(draws(count).each):
        noise = np.stack([rng.normal_field((HEIGHT, WIDTH, CHANNELS)) for _ in range(100)])
        drawn = torch.from_numpy(noise).to(dtype).permute(0, 3, 1, 2)
        z = (torch.tanh(0.1 * drawn) + 1) / 2
        losses = loss(model.function(z), goal).double()
        better = (losses - losses.mean()) / losses.std(correction=0)
        wanted = (drawn.double() * better.view(-1, 1, 1, 1)).mean(0) * length
        torch.testing.assert_close(found[row], wanted, rtol=0, atol=1e-3)


@pytest.mark.parametrize("value", [torch.nan, 1.0])
def test_answers_that_say_nothing_leave_the_mean_where_it_begins(value: float) -> None:
    model = Bare(lambda x: torch.full((len(x), 2), value, dtype=x.dtype))
    x, labels = torch.full((3, *SHAPE), 0.4, dtype=torch.float64), torch.zeros(3, dtype=torch.long)
    found = attacked("n_attack(eps=0.3, queries=40, start=0)", model, x, labels)
    torch.testing.assert_close(found.x, x, rtol=0, atol=1e-6)
    assert found.counted.forwards.tolist() == [40] * 3
    far = attacked("n_attack(eps=0.3, queries=40, start=0.1)", model, x, labels)
    deviation = (torch.atanh(2 * far.x - 1) - torch.atanh(2 * x - 1)).std()
    assert 0.05 < float(deviation) < 0.15


def test_no_image_depends_on_the_others() -> None:
    model, x = curved(), pictures(6)
    spec, names = "n_attack(eps=0.1, samples=16, queries=100, step=0.1)", [*"abcdef"]
    whole = run(spec, model, x, names=names)
    part = run(spec, model, x[2:4], names=names[2:4])
    assert torch.equal(whole.x[2:4], part.x)
    back = run(spec, model, x.flip(0), names=names[::-1])
    assert torch.equal(whole.x.flip(0), back.x)
