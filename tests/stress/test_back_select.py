"""BackSelect, FindSIS and Batched Gradient SIS against the published examples and plain loops."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from boundary_world import Bare
from numpy.typing import NDArray
from subset_world import EXACT, Plain, by_slopes, everything, flat
from torch import Tensor

from roadworthy.spec import parse
from roadworthy.stress._subsets.back_select import Patience, back_select, largest
from roadworthy.stress._subsets.confidence import OfClass, log_odds, probability
from roadworthy.stress._subsets.removal import Removal, sequence, sufficient
from roadworthy.stress._subsets.schedule import Schedule
from roadworthy.stress.masks import one
from roadworthy.stress.masks.base import MaskContext


def collection(confidence: Plain, threshold: float) -> list[tuple[list[int], Removal]]:
    """Return all disjoint subsets of one picture, each in the order in which units come back."""
    kept, found = everything(confidence), []
    while kept.any():
        removal = back_select(confidence, kept, EXACT)
        subset = sufficient(removal, threshold)
        if not subset.found[0]:
            break
        units = [int(u) for u in sequence(removal.order[0])[::-1] if subset.kept.ravel()[u]]
        found.append((units, removal))
        kept &= ~torch.from_numpy(subset.kept)
    return found


def values_of(removal: Removal) -> list[float]:
    """Return the confidence after each step."""
    return [*removal.confidence[0, 1:].tolist(), float(removal.baseline[0])]


def test_t_a_the_length_of_a_vector() -> None:
    norm = Plain(lambda x: float(np.linalg.norm(x)), flat(0.1, 10, 5))
    (first, one_removal), (second, other) = collection(norm, 1.0)
    assert (first, second) == ([1], [2])
    assert sequence(one_removal.order[0]).tolist() == [0, 2, 1]
    assert values_of(one_removal) == pytest.approx([11.1803, 10, 0], abs=1e-4)
    assert sequence(other.order[0]).tolist() == [0, 2]
    assert values_of(other) == pytest.approx([5, 0])


def sums_of_products(x: NDArray[np.float64]) -> float:
    a, b, c, d, e, f = x.ravel()
    return float(0.5 * a * b + 0.3 * c + 0.2 * d * e * f)


def test_t_b_products_need_all_their_factors() -> None:
    (first, removal), (second, _) = collection(Plain(sums_of_products, flat(*[1] * 6)), 0.5)
    assert (first, second) == ([1, 0], [2, 5, 4, 3])
    assert sequence(removal.order[0]).tolist() == [3, 4, 5, 2, 0, 1]
    assert values_of(removal) == pytest.approx([0.8, 0.8, 0.8, 0.5, 0, 0])


@pytest.mark.parametrize(
    ("threshold", "subsets"),
    [(0.3, [[1, 0], [2]]), (0.8, [[1, 0, 2]]), (0.95, [[1, 0, 2, 5, 4, 3]])],
)
def test_t_b_at_other_thresholds(threshold: float, subsets: list[list[int]]) -> None:
    found = collection(Plain(sums_of_products, flat(*[1] * 6)), threshold)
    assert [units for units, _ in found] == subsets


def test_t_c_where_nothing_matters_there_is_no_subset_and_that_is_said() -> None:
    constant = Plain(lambda _: 1.0, flat(1, 1, 1))
    subset = sufficient(back_select(constant, everything(constant), EXACT), 0.5)
    assert not subset.kept.any()
    assert subset.invalid.all()
    assert not subset.under.any()


def test_t_d_what_suffices_without_any_unit_is_invalid() -> None:
    counting = Plain(lambda x: [0.9, 0.2, 0.6, 1.0][int(x.sum())], flat(1, 1, 1))
    removal = back_select(counting, everything(counting), EXACT)
    assert values_of(removal) == pytest.approx([0.6, 0.2, 0.9])
    subset = sufficient(removal, 0.5)
    assert subset.invalid.all()
    assert not subset.kept.any()


def test_t_e_pixels_go_with_all_their_channels() -> None:
    x = np.array([[[1, 2], [3, 4]], [[0.5, 0.1], [-1, 2]]])[None]
    w = np.array([[[0.1, 0.2], [0.3, 0.05]], [[0.4, -0.1], [0.2, 0.1]]])
    sigmoid = Plain(lambda z: float(1 / (1 + np.exp(-(w * z).sum()))), x)
    (first, removal), (second, _) = collection(sigmoid, 0.6)
    assert first == [2]  # (1, 0)
    assert sorted(second) == [1, 3]  # (0, 1) and (1, 1)
    assert second == [3, 1]
    assert sequence(removal.order[0]).tolist() == [0, 1, 3, 2]
    assert values_of(removal) == pytest.approx([0.81608, 0.75026, 0.66819, 0.5], abs=1e-5)


def t_f() -> OfClass:
    number = torch.arange(48, dtype=torch.float64)
    x = torch.cos(0.7 * number).view(1, 3, 4, 4)
    weights = torch.sin(1 + 48 * torch.arange(3, dtype=torch.float64)[:, None] + number)
    model = Bare(lambda z: 0.6 * z.flatten(1) @ weights.T)
    context = MaskContext(torch.zeros(3), lambda: x)
    shown = one(parse("zero")).shown(model, x, context, samples=["t-f"])
    return OfClass(shown, model.logits(x).argmax(1))


CONFIDENCE = (
    "0.82359 0.86372 0.89653 0.90898 0.92579 0.92669 0.93109 0.92354 "
    "0.91586 0.89272 0.86938 0.81910 0.76394 0.67928 0.57068 0.45464"
)


@pytest.mark.parametrize(
    ("k", "order", "confidence", "step", "size"),
    [
        (1, "1 2 5 7 9 10 13 15 14 12 11 8 6 4 3 0", CONFIDENCE, 8, 8),
        (
            3,
            "0 1 1 2 3 3 4 5 4 4 3 2 2 1 0 0",
            "0.82359 0.90870 0.93109 0.89272 0.76394 0.45464",
            2,
            10,
        ),
    ],
)
def test_t_f_batched_gradient(k: int, order: str, confidence: str, step: int, size: int) -> None:
    asked = t_f()
    assert asked.classes.tolist() == [0]
    removal = back_select(asked, torch.ones(1, 4, 4, dtype=torch.bool), by_slopes(k))
    assert removal.order.ravel().tolist() == [int(v) for v in order.split()]
    assert removal.confidence[0] == pytest.approx([float(v) for v in confidence.split()], abs=1e-5)
    # as published: where the whole image is not sure enough there is a "subset" all the same
    subset = sufficient(removal, 0.9, whole=False)
    assert (int(subset.step[0]), int(subset.kept.sum())) == (step, size)
    refused = sufficient(removal, 0.9)
    assert refused.under.all()
    assert not refused.kept.any()
    steps = len(confidence.split())
    assert asked.forwards.tolist() == [steps + 1]  # and once without any pixel
    assert asked.backwards.tolist() == [steps]


def network(seed: int = 0, classes: int = 4) -> Bare:
    generator = torch.Generator().manual_seed(seed)
    into = torch.randn(10, 3, 5, 4, generator=generator, dtype=torch.float64)
    out = 3 * torch.randn(classes, 10, generator=generator, dtype=torch.float64)
    return Bare(lambda x: torch.tanh(torch.einsum("kchw,nchw->nk", into, x)) @ out.T)


def images(count: int) -> Tensor:
    generator = torch.Generator().manual_seed(8)
    return torch.rand(count, 3, 5, 4, generator=generator, dtype=torch.float64)


def of_class(model: Bare, x: Tensor, mask: str = "mean") -> OfClass:
    context = MaskContext(torch.tensor([0.4, 0.5, 0.3]), lambda: x.flip(0))
    shown = one(parse(mask)).shown(model, x, context, samples=[str(i) for i in range(len(x))])
    return OfClass(shown, model.logits(x).argmax(1))


def loop(model: Bare, x: Tensor, label: int, cover: Tensor) -> tuple[list[int], list[float]]:
    """BackSelect as one would write it: one picture, one forward for each candidate."""
    left, order, seen = list(range(20)), [], []
    now = x.clone()
    while left:
        tried = []
        for unit in left:
            candidate = now.clone()
            candidate[0, :, unit // 4, unit % 4] = cover
            tried.append(float(model.logits(candidate).softmax(1)[0, label]))
        best = int(np.argmax(tried))
        order.append(left.pop(best))
        now[0, :, order[-1] // 4, order[-1] % 4] = cover
        seen.append(tried[best])
    return order, seen


def test_exact_back_select_is_the_plain_loop() -> None:
    model, x = network(), images(3)
    asked = of_class(model, x)
    removal = back_select(asked, torch.ones(3, 5, 4, dtype=torch.bool), EXACT)
    cover = torch.tensor([0.4, 0.5, 0.3], dtype=torch.float64)
    for i in range(3):
        order, seen = loop(model, x[i : i + 1], int(asked.classes[i]), cover)
        assert sequence(removal.order[i]).tolist() == order
        assert removal.confidence[i, 1:] == pytest.approx(seen[:-1])
        assert removal.baseline[i] == pytest.approx(seen[-1])
    # the whole image, all candidates, and nothing at all
    assert asked.forwards.tolist() == [1 + 20 * 21 // 2 + 1] * 3
    assert not asked.backwards.any()


def test_batched_gradient_takes_the_steepest_of_the_probability() -> None:
    model, x = network(), images(2)
    asked = of_class(model, x, "zero")
    removal = back_select(asked, torch.ones(2, 5, 4, dtype=torch.bool), by_slopes(3))
    for i in range(2):
        kept = torch.ones(5, 4, dtype=torch.float64)
        for step in range(7):
            gate = kept.clone().requires_grad_()
            p = model.logits(gate * x[i : i + 1]).softmax(1)[0, asked.classes[i]]
            (slope,) = torch.autograd.grad(p, gate)
            assert removal.confidence[i, step] == pytest.approx(float(p.detach()))
            ranked = (-slope).masked_fill(kept == 0, -torch.inf).flatten()
            gone = ranked.argsort(descending=True)[: min(3, int(kept.sum()))]
            assert set(np.flatnonzero(removal.order[i].ravel() == step)) == set(gone.tolist())
            kept.view(-1)[gone] = 0


def test_a_sure_model_still_ranks_its_pixels() -> None:
    weight = torch.arange(1.0, 21).view(5, 4)
    sure = Bare(lambda x: torch.stack([(x[:, 0] * weight).sum((1, 2)), 0 * x[:, 0].sum((1, 2))], 1))
    x = torch.ones(1, 3, 5, 4)  # the probability is exactly 1 until few pixels are left
    removal = back_select(
        of_class(sure, x, "zero"), torch.ones(1, 5, 4, dtype=torch.bool), by_slopes(1)
    )
    assert removal.confidence[0, 0] == 1.0
    assert sequence(removal.order[0]).tolist() == list(range(20))


def test_no_order_depends_on_the_batch() -> None:
    x, every = images(5), torch.ones(5, 5, 4, dtype=torch.bool)
    for schedule in (EXACT, by_slopes(2), Schedule("geometric", 1, 0.2, 0.8, 4)):
        whole = back_select(of_class(network(), x), every, schedule)
        for i in (0, 3):
            alone = back_select(of_class(network(), x[i : i + 1]), every[:1], schedule)
            assert np.array_equal(whole.order[i], alone.order[0])
            np.testing.assert_allclose(whole.confidence[i], alone.confidence[0])


def test_by_slopes_first_and_then_by_trial() -> None:
    model, x, every = network(), images(2), torch.ones(2, 5, 4, dtype=torch.bool)
    asked = of_class(model, x)
    mixed = back_select(asked, every, Schedule("constant", 3, 0.05, 0.0, 7))
    assert asked.backwards.tolist() == [5, 5]
    assert asked.forwards.tolist() == [5 + 1 + 7 * 8 // 2 + 1] * 2
    slopes = back_select(of_class(model, x), every, by_slopes(3))
    counts = np.bincount(mixed.order[0].ravel())
    assert counts.tolist() == [3, 3, 3, 3, 1, *[1] * 7]  # 20, 17, … 8, and 7 by trial
    assert np.array_equal(mixed.order < 4, slopes.order < 4)
    for i in range(2):
        left = torch.from_numpy(mixed.order[i] >= 5)[None]
        tail = back_select(of_class(model, x[i : i + 1]), left, EXACT)
        assert sequence(tail.order[0]).tolist() == sequence(mixed.order[i])[-7:].tolist()
    assert Schedule("constant", 3, 0.05, 0.0, 7).steps(20) == (5, 7)


def test_a_geometric_schedule_averages_its_slopes() -> None:
    asked = of_class(network(), images(1))
    seen: list[Tensor] = []
    original = asked.gains

    def spying(rows: Tensor, kept: Tensor) -> tuple[Tensor, Tensor]:
        values, gains = original(rows, kept)
        seen.append(gains.clone())
        return values, gains

    object.__setattr__(asked, "gains", spying)
    removal = back_select(
        asked, torch.ones(1, 5, 4, dtype=torch.bool), Schedule("geometric", 9, 0.25, 0.7, 0)
    )
    assert np.bincount(removal.order.ravel()).tolist() == [5, 4, 3, 2, 2, 1, 1, 1, 1]
    average, kept = torch.zeros(20, dtype=torch.float64), np.ones(20, bool)
    for step, gains in enumerate(seen):
        average = 0.7 * average + gains.flatten()
        ranked = np.where(kept, average.numpy(), -np.inf)
        gone = np.argsort(-ranked, kind="stable")[: int((removal.order == step).sum())]
        assert set(gone) == set(np.flatnonzero(removal.order.ravel() == step))
        kept[gone] = False


def test_units_that_were_gone_before_stay_gone() -> None:
    start = torch.ones(1, 5, 4, dtype=torch.bool)
    start[0, 1:3] = False
    removal = back_select(of_class(network(), images(1)), start, by_slopes(5))
    assert np.array_equal(removal.order[0] != 65535, start[0].numpy())
    assert removal.units.tolist() == [12]
    assert removal.confidence.shape == (1, 3)


def test_patience_ends_an_order_early_and_says_so() -> None:
    falling = Plain(lambda x: float(x.sum()) / 10, flat(*[1] * 10).repeat(2, axis=0))
    removal = back_select(falling, everything(falling), EXACT, patience=Patience(0.75, 2))
    # 1.0, 0.9, 0.8 reach it; 0.7 and 0.6 do not; then one more unit has gone
    assert removal.partial.all()
    assert np.bincount(removal.order[0].ravel()).tolist() == [1, 1, 1, 1, 1, 5]
    assert sufficient(removal, 0.75).kept.sum((1, 2)).tolist() == [8, 8]
    assert removal.baseline.tolist() == [0, 0]
    patient = back_select(falling, everything(falling), EXACT, patience=Patience(0.75, 9))
    assert not patient.partial.any()


def test_what_is_not_finite_ends_an_image_and_no_other() -> None:
    def score(x: NDArray[np.float64]) -> float:
        return float("nan") if x.max() == 2 and x.sum() <= 4 else float(x.sum())

    both = Plain(score, np.concatenate([flat(2, 1, 1, 1), flat(1, 1, 1, 1)]))
    removal = back_select(both, everything(both), EXACT)
    assert np.isnan(removal.baseline).tolist() == [True, False]
    assert not sufficient(removal, 0.5).found[0]
    assert removal.confidence[1].tolist() == [4, 3, 2, 1]
    broken = Bare(lambda x: torch.where(x.sum() > 9, x.flatten(1)[:, :3], torch.nan))
    every = torch.ones(1, 5, 4, dtype=torch.bool)
    slopes = back_select(of_class(broken, images(1), "zero"), every, by_slopes(1))
    assert np.isnan(slopes.baseline).all()
    assert np.isfinite(slopes.confidence[0, :5]).all()
    assert np.isnan(slopes.confidence[0, -1])


def test_ties_go_to_the_lowest_index() -> None:
    flatland = Plain(lambda x: 0.0, flat(*[1] * 5))
    removal = back_select(flatland, everything(flatland), EXACT)
    assert sequence(removal.order[0]).tolist() == [0, 1, 2, 3, 4]
    ranked = torch.tensor([[1.0, 3, 2, 2, 2, 0], [5.0, 5, 5, 5, 5, 5]])
    chosen = largest(ranked, torch.tensor([3, 2]))
    assert chosen.tolist() == [
        [False, True, True, True, False, False],
        [True, True, False, False, False, False],
    ]
    assert largest(ranked, torch.tensor([1, 1])).nonzero().tolist() == [[0, 1], [1, 0]]


def test_probability_and_log_odds_belong_together() -> None:
    logits = torch.randn(6, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    classes = torch.tensor([0, 1, 2, 3, 4, 0])
    p = probability(logits, classes)
    torch.testing.assert_close(log_odds(logits, classes), (p / (1 - p)).log())
    assert p.dtype == torch.float64
    assert bool(probability(torch.full((1, 3), torch.nan), torch.tensor([0])).isnan())
