"""The parts of Carlini and Wagner's attack: tanh space, Adam, the search for c, early ends."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from attack_world import attacked
from boundary_world import SHAPE, Bare, curved
from torch import Tensor

from roadworthy.errors import UsageError
from roadworthy.stress._attacks.adam import Adam
from roadworthy.stress._attacks.tanh_space import (
    from_tanh_space,
    from_tanh_space_with_slope,
    to_tanh_space,
)
from roadworthy.stress._attacks.tradeoff import Tradeoff
from roadworthy.stress.bound import stress
from roadworthy.stress.losses import margin


def _images(count: int) -> Tensor:
    generator = torch.Generator().manual_seed(8)
    return 0.25 + 0.5 * torch.rand((count, *SHAPE), generator=generator, dtype=torch.float64)


def _labels(model: Bare, x: Tensor) -> Tensor:
    with torch.no_grad():
        return model.function(x).argmax(1)


def test_tanh_space_holds_every_image_and_its_slope_is_the_derivative() -> None:
    x = torch.linspace(0, 1, 11, dtype=torch.float64)
    w = to_tanh_space(x).requires_grad_()
    image, slope = from_tanh_space_with_slope(w)
    torch.testing.assert_close(from_tanh_space(w.detach()), image.detach(), rtol=0, atol=1e-15)
    torch.testing.assert_close(image.detach(), x, rtol=0, atol=1e-6)
    (derivative,) = torch.autograd.grad(image.sum(), w)
    torch.testing.assert_close(slope.detach(), derivative)
    assert w.isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("frame", [(9, 7), (5, 5), (61, 53)])
def test_tanh_space_does_not_depend_on_where_in_a_batch_an_image_stands(
    frame: tuple[int, int], dtype: torch.dtype
) -> None:
    x = torch.rand((7, 3, *frame), generator=torch.Generator().manual_seed(1), dtype=dtype)
    w = to_tanh_space(x)
    alone = [to_tanh_space(one.clone()) for one in torch.split(x, 1)]
    assert torch.equal(w, torch.cat(alone))
    assert torch.equal(from_tanh_space(w), torch.cat([from_tanh_space(one) for one in alone]))


def test_adam_takes_the_published_steps_when_images_leave() -> None:
    target = np.random.default_rng(0).uniform(size=(3, 4))
    expected, mean, square = np.zeros((3, 4)), np.zeros((3, 4)), np.zeros((3, 4))
    ours, rows = torch.zeros((3, 4), dtype=torch.float64), torch.arange(3)
    adam = Adam(ours, learning_rate=0.05)
    for step in range(1, 9):
        slope = 4 * (expected - target) ** 3
        mean, square = 0.9 * mean + 0.1 * slope, 0.999 * square + 0.001 * slope**2
        corrected = mean / (1 - 0.9**step), square / (1 - 0.999**step)
        expected = expected - 0.05 * corrected[0] / (np.sqrt(corrected[1]) + 1e-8)
        ours = ours - adam.step(4 * (ours - torch.from_numpy(target)[rows]) ** 3)
        if step == 4:
            rows, ours = rows[[0, 2]], ours[[0, 2]]
            adam.keep(torch.tensor([True, False, True]))
    np.testing.assert_allclose(ours.numpy(), expected[rows.numpy()], rtol=1e-9)


def test_c_grows_by_ten_until_it_is_enough_and_is_bisected_from_then_on() -> None:
    needed = torch.tensor([0.5, 30.0, float("inf")])
    search, seen = Tradeoff(torch.zeros(3, 1), 0.1), []
    for _ in range(5):
        seen.append(search.weight.tolist())
        search.adjust(search.weight >= needed)
    first, second, third = np.array(seen).T
    np.testing.assert_allclose(first, [0.1, 1.0, 0.55, 0.325, 0.4375], rtol=1e-6)
    np.testing.assert_allclose(second, [0.1, 1.0, 10.0, 100.0, 55.0], rtol=1e-6)
    np.testing.assert_allclose(third, [0.1, 1.0, 10.0, 100.0, 1000.0], rtol=1e-6)


QUICK = "steps=40, initial_c=1, learning_rate=0.05"


def test_more_search_steps_never_give_a_larger_change() -> None:
    model, x = curved(), _images(5)
    sizes = [
        attacked(f"carlini_wagner({QUICK}, search_steps={n})", model, x, _labels(model, x)).size
        for n in (2, 4, 6)
    ]
    assert (sizes[1] <= sizes[0]).all()
    assert (sizes[2] <= sizes[1]).all()
    assert (sizes[2] < sizes[0]).any()


def test_a_confidence_is_a_margin_that_is_kept() -> None:
    model, x = curved(), _images(5)
    labels = _labels(model, x)
    spec = f"carlini_wagner({QUICK}, search_steps=6"
    plain = attacked(f"{spec})", model, x, labels)
    sure = attacked(f"{spec}, confidence=2)", model, x, labels)
    both = sure.reached
    assert both.any()
    gap = margin(model.function(sure.x), sure.goal)
    assert (gap[both] > 2.0).all()
    assert (gap[both] < 3.0).all()
    assert (margin(model.function(plain.x), plain.goal) < 2.0).any()


def test_images_end_early_on_their_own_and_cost_nothing_from_then_on() -> None:
    model, x = curved(), _images(5)
    labels = _labels(model, x)
    tried = attacked("carlini_wagner(steps=200, search_steps=3, initial_c=1)", model, x, labels)
    used = tried.found.steps_used
    assert used is not None
    assert tried.counted.backwards.tolist() == used.tolist()
    assert tried.counted.forwards.tolist() == [n + 1 for n in used.tolist()]
    assert len(set(used.tolist())) > 1
    assert min(used.tolist()) < 600


def test_an_image_that_is_wrong_already_is_asked_about_once() -> None:
    model, x = curved(), _images(2)
    wrong = (_labels(model, x) + 1) % 5
    tried = attacked(f"carlini_wagner({QUICK}, search_steps=2)", model, x, wrong)
    assert torch.equal(tried.x, x)
    assert tried.counted.forwards.tolist() == [1, 1]
    assert tried.counted.backwards.tolist() == [0, 0]


def test_a_warm_start_goes_on_where_the_last_search_step_ended() -> None:
    model, x = curved(), _images(2)
    spec = "carlini_wagner(steps=6, search_steps=2, initial_c=100, learning_rate=0.001, warm_start="
    for warm in (False, True):
        watched = Bare(model.function)
        attacked(f"{spec}{str(warm).lower()})", watched, x, _labels(model, x))
        # the clean logits, the first look, six steps, six steps
        again = watched.asked[8]
        close = torch.allclose(again, x, rtol=0, atol=1e-5)
        assert close is not warm


@pytest.mark.parametrize(
    "wrong",
    ["steps=0", "search_steps=0", "learning_rate=0", "initial_c=0", "confidence=-1", "norm=L1"],
)
def test_arguments_that_mean_nothing_are_refused(wrong: str) -> None:
    with pytest.raises(UsageError, match=wrong.split("=")[0]):
        stress(f"carlini_wagner({wrong})")
