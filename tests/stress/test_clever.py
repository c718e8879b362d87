"""CLEVER on functions whose slopes are known, and what its points and maxima keep to."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from boundary_world import SHAPE, Bare, curved, draws, goal_of, linear
from torch import Tensor

from roadworthy.errors import RoadworthyError, UsageError
from roadworthy.models.counted import Counted
from roadworthy.stress._clever import maxima as streamed
from roadworthy.stress._clever.maxima import Plan, maxima
from roadworthy.stress._clever.score import score
from roadworthy.stress._norms import GEOMETRIES
from roadworthy.stress.bound import stress
from roadworthy.stress.draws import BatchDraws, FastDraws
from roadworthy.stress.goal import Goal
from roadworthy.stress.measured import Measured
from roadworthy.stress.probes.clever import clever

NORMS = ("L2", "Linf", "L1")
FEW: dict[str, Any] = {"batches": 12, "draws": 7, "radius": 0.5}


def pictures(count: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand((count, *SHAPE), generator=generator, dtype=torch.float64)


def straight(classes: int = 4) -> tuple[Bare, Tensor]:
    generator = torch.Generator().manual_seed(3)
    weight = torch.randn((classes, *SHAPE), generator=generator, dtype=torch.float64)
    return linear(weight, torch.zeros(classes, dtype=torch.float64)), weight


def measured(
    model: Bare,
    x: Tensor,
    norm: str = "L2",
    *,
    goal: Goal | None = None,
    rng: BatchDraws | None = None,
    **given: Any,
) -> Measured:
    goal = goal_of(model, x) if goal is None else goal
    found: Measured = clever.function(
        Counted(model),
        x,
        goal,
        GEOMETRIES[norm],
        rng=draws(len(x)) if rng is None else rng,
        **{**FEW, **given},
    )
    return found


def scores(model: Bare, x: Tensor, norm: str = "L2", **given: Any) -> list[float]:
    return list(measured(model, x, norm, **given).columns["clever"])


def distances(model: Bare, weight: Tensor, x: Tensor, norm: str) -> Tensor:
    """Return how far each image is from each other class's hyperplane, infinity for its own."""
    logits, order = model.function(x), {"L2": 2.0, "Linf": 1.0, "L1": torch.inf}[norm]
    own = logits.argmax(1)
    lead = logits.gather(1, own[:, None]) - logits
    slope = (weight[own][:, None] - weight).flatten(2).norm(p=order, dim=2)
    return torch.where(slope > 0, lead / slope, torch.inf)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("sampling", ["ball", "ray"])
def test_on_a_linear_model_the_score_is_the_distance(norm: str, sampling: str) -> None:
    model, weight = straight()
    x = pictures(6)
    wanted = distances(model, weight, x, norm)
    found = measured(model, x, norm, radius=100.0, sampling=sampling)
    assert found.columns["clever"] == pytest.approx(wanted.amin(1).tolist(), rel=0.01)
    assert found.columns["clever_half"] == pytest.approx(wanted.amin(1).tolist(), rel=0.01)
    assert found.columns["clever_class"] == wanted.argmin(1).tolist()
    assert set(found.columns["clever_rule"]) == {"constant"}
    assert set(found.columns["clever_low"]) == {None}


@pytest.mark.parametrize("norm", NORMS)
def test_no_score_is_beyond_the_radius(norm: str) -> None:
    model, weight = straight()
    x = pictures(6)
    wanted = distances(model, weight, x, norm).amin(1)
    radius = float(wanted.median())
    found = measured(model, x, norm, radius=radius).columns
    assert found["clever"] == pytest.approx(wanted.clamp(max=radius).tolist(), rel=0.01)
    assert found["clever_half"] == pytest.approx(found["clever"])  # no slope was missed
    assert (wanted > radius).any()
    assert (wanted < radius).any()


def test_the_radius_goes_by_the_norm_where_none_is_given() -> None:
    flat = Bare(lambda x: x.sum((1, 2, 3))[:, None] * 0 + torch.tensor([1.0, 0, 0]).to(x))
    for norm, radius in (("L2", 5.0), ("Linf", 0.1), ("L1", 30.0)):
        found = measured(flat, pictures(2), norm, radius=None)
        assert found.columns["clever"] == [radius, radius]
        assert found.columns["clever_half"] == [radius, radius]
        assert found.flags == [["zero_gradient"], ["zero_gradient"]]


def test_a_target_has_a_score_of_its_own_and_the_untargeted_one_is_the_smallest() -> None:
    model, weight = straight()
    x = pictures(5)
    each, goal = distances(model, weight, x, "L2"), goal_of(model, x)
    targets = torch.where(goal.labels == 0, 1, 0)
    aimed = measured(model, x, goal=goal.towards(targets), radius=100.0).columns
    assert aimed["clever"] == pytest.approx(each.gather(1, targets[:, None])[:, 0].tolist())
    assert aimed["clever_class"] == targets.tolist()
    untargeted = scores(model, x, radius=100.0)
    assert untargeted == pytest.approx(each.amin(1).tolist())


def test_candidates_are_the_most_likely_other_classes() -> None:
    model, weight = straight(6)
    x = pictures(8)
    each = distances(model, weight, x, "L2")
    ranked = model.function(x).argsort(dim=1, descending=True)
    for count in (1, 2, 5, 9):
        among = each.gather(1, ranked[:, 1 : count + 1]).amin(1)
        assert scores(model, x, radius=100.0, candidates=count) == pytest.approx(among.tolist())


def bowl() -> Bare:
    """Return a model whose one slope is the distance from 0.5 in the middle of the box, plus one."""

    def logits(x: Tensor) -> Tensor:
        away = (x - 0.5).flatten(1)
        lead = 2 + away.sum(1) * 0 + (away.square().sum(1)) / 2
        return torch.stack([lead, torch.zeros_like(lead)], 1)

    return Bare(logits)


def test_the_steepest_slope_is_where_the_ball_ends() -> None:
    # Of 48 dimensions nearly all of a ball is at its edge, where the slope is the radius.
    x = torch.full((3, *SHAPE), 0.5, dtype=torch.float64)
    found = measured(bowl(), x, batches=40, draws=30, radius=0.4, candidates=1).columns
    assert set(found["clever_rule"]) == {"weibull"}
    for value, low, high in zip(
        found["clever"], found["clever_low"], found["clever_high"], strict=True
    ):
        assert value == 0.4  # 2 / 0.4 is beyond the radius
        assert low <= value <= high
    steep = Plan(GEOMETRIES["L2"], 0.4, 40, 30)
    goal = goal_of(bowl(), x)
    largest = maxima(Counted(bowl()), x, goal.labels, 1 - goal.labels[:, None], steep, draws(3))
    assert largest.whole.shape == (3, 1, 40)
    assert (largest.whole > 0.39).all()
    assert (largest.whole <= 0.4 + 1e-6).all()
    assert torch.allclose(largest.half, largest.whole[..., :4] / 2)  # the same directions


def test_half_the_radius_is_half_as_steep() -> None:
    x = torch.full((2, *SHAPE), 0.5, dtype=torch.float64)
    goal = goal_of(bowl(), x)
    # a lead of 0.02 with a slope of 0.4 at the edge, of 0.2 half way
    near = replace(goal, clean=torch.tensor([[0.02, 0.0]] * 2, dtype=torch.float64))
    found = measured(
        bowl(), x, goal=near, batches=40, draws=30, radius=0.4, sampling="ball"
    ).columns
    for value, low, high, half in zip(
        *(found[name] for name in ("clever", "clever_low", "clever_high", "clever_half")),
        strict=True,
    ):
        assert value == pytest.approx(0.05, rel=0.01)
        assert low <= value <= high
        assert low < high
        assert half == pytest.approx(2 * value, rel=1e-6)


def test_a_ray_is_as_often_near_as_far() -> None:
    plan = Plan(GEOMETRIES["L2"], 2.0, 1, 1, "ray")
    x = torch.zeros((2, *SHAPE), dtype=torch.float64)
    far = streamed._offsets(plan, x, draws(2).each, 600, 6).flatten(2).norm(dim=2)
    assert far.max() <= 2
    assert (far < 1).double().mean() == pytest.approx(0.5, abs=0.06)
    ball = streamed._offsets(replace(plan, sampling="ball"), x, draws(2).each, 600, 6)
    assert (ball.flatten(2).norm(dim=2) < 1).sum() == 0


@pytest.mark.parametrize("norm", NORMS)
def test_all_points_are_in_the_ball_and_the_box(norm: str) -> None:
    model, x = curved(), pictures(4)
    measured(model, x, norm, radius=0.6)
    order = {"L2": 2.0, "Linf": torch.inf, "L1": 1.0}[norm]
    for points in model.asked:
        assert points.amin() >= 0
        assert points.amax() <= 1
        away = (points.view(-1, *x.shape) - x).flatten(2).norm(p=order, dim=2)
        assert away.max() <= 0.6 + 1e-6
    asked = torch.cat([points.view(-1, *x.shape) for points in model.asked])
    assert len(asked) == 12 * 7 + 7  # every batch, and the first of twelve a second time
    assert len(torch.unique(asked.flatten(1), dim=0)) == len(asked)


@pytest.mark.parametrize("norm", NORMS)
def test_company_and_order_change_no_bit(norm: str) -> None:
    x, count = pictures(19), 19  # more than are worked on at once

    def one(rows: list[int]) -> Measured:
        each = BatchDraws([FastDraws(np.random.default_rng(i)) for i in rows])
        return measured(curved(), x[rows], norm, rng=each)

    whole = one(list(range(count)))
    mixed = [4, 18, 2, 6, 0, 17, 5, 1, 3]
    for rows in ([3], [18], [0, 1, 2], mixed):
        found = one(rows)
        for name, values in whole.columns.items():
            assert found.columns[name] == [values[i] for i in rows], name


def test_points_at_once_are_bounded_and_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    model, x = curved(), pictures(3)
    whole = scores(model, x, batches=30, draws=50)
    assert max(map(len, model.asked)) <= 256
    assert sum(map(len, model.asked)) == 3 * 33 * 50
    for limit in (16, 48, 1000):
        monkeypatch.setattr(streamed, "POINTS", limit)
        fresh = curved()
        assert scores(fresh, x, batches=30, draws=50) == whole
        assert max(map(len, fresh.asked)) <= max(limit, 48)  # 16 points are drawn in one go


def test_large_frames_go_one_point_an_image() -> None:
    model = Bare(lambda x: torch.stack([x.mean((1, 2, 3)), -x.mean((1, 2, 3))], 1))
    x = torch.full((3, 3, 300, 300), 0.5)
    measured(model, x, batches=2, draws=1)
    assert list(map(len, model.asked)) == [3, 3, 3]


def test_passes_are_counted_and_said_before() -> None:
    model, x = curved(), pictures(4)
    counted, goal = Counted(model), goal_of(model, x)
    clever.function(counted, x, goal, GEOMETRIES["L2"], rng=draws(4), **FEW)
    assert (counted.forwards == 91).all()
    assert (counted.backwards == 91 * 4).all()  # four other classes
    assert clever.passes is not None
    given = stress("clever(batches=12, draws=7, candidates=4)").settings[0].arguments
    assert clever.passes(given) == (91, 91 * 4)
    given = stress("clever(batches=12, draws=7, target=second)").settings[0].arguments
    assert clever.passes(given) == (91, 91)


def test_memory_layout_changes_nothing() -> None:
    x = pictures(3)
    last = x.contiguous(memory_format=torch.channels_last)
    model = curved()
    assert scores(model, last) == pytest.approx(scores(curved(), x), rel=1e-9)
    assert all(one.is_contiguous(memory_format=torch.channels_last) for one in model.asked)


def test_gradients_that_are_not_finite_give_no_score() -> None:
    def logits(x: Tensor) -> Tensor:
        mean = x.mean((1, 2, 3))
        root = ((mean - 0.5) * (mean > 0.5)).sqrt()  # at 0 a slope of infinity, times 0
        return torch.stack([1 + mean, root], 1)

    x = torch.stack([torch.full(SHAPE, 0.1), torch.full(SHAPE, 0.9)]).double()
    found = measured(Bare(logits), x, radius=0.1)
    assert found.columns["clever"][0] is None
    assert found.columns["clever_class"][0] is None
    assert found.flags == [["nan_gradient"], []]
    assert found.columns["clever"][1] == pytest.approx(0.1)


def test_an_image_that_is_not_ahead_has_no_distance() -> None:
    found = score(np.array([-1.0, 2.0]), np.ones((2, 9)), np.ones((2, 1)), 3.0, draws(1).each[0])
    assert found is not None
    assert (found.value, found.half, found.nearest) == (0.0, 0.0, 0)


def test_the_interval_is_that_of_the_nearest_of_all_targets() -> None:
    rng = np.random.default_rng(0)
    whole = np.stack([5 - rng.weibull(2, 100), 6 - rng.weibull(2, 100), np.full(100, 1.0)])
    half = whole[:, :10] * np.array([[0.5], [0.5], [1.0]])
    leads = np.array([5.0, 6.0, 9.0])
    found = score(leads, whole, half, 50.0, draws(1).each[0])
    assert found is not None
    assert found.low is not None
    assert found.high is not None
    assert found.rule == "weibull"
    assert found.low < found.value < found.high
    assert found.value == pytest.approx(1.0, rel=0.02)
    assert found.half == pytest.approx(2 * found.value)
    alone = score(leads[:1], whole[:1], half[:1], 50.0, draws(1).each[0])
    assert alone is not None
    assert alone.low is not None
    assert alone.high is not None
    assert found.low <= alone.low + 1e-9  # another target can only be nearer
    wide = score(leads[2:], whole[2:], half[2:], 5.0, draws(1).each[0])
    assert wide is not None
    assert (wide.value, wide.low, wide.rule) == (5.0, None, "constant")


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("clever(batches=0)", "batches must be at least 1, not 0"),
        ("clever(draws=0)", "draws must be at least 1, not 0"),
        ("clever(candidates=0)", "candidates must be at least 1, not 0"),
        ("clever(radius=0)", "larger than 0, not 0"),
        ("clever(radius=-1)", "larger than 0, not -1"),
        ("clever(norm=L0)", "L0"),
        ("clever(sampling=cube)", "cube"),
        ("cascade(clever, eps=8/255)", "'clever' is no attack"),
    ],
)
def test_what_means_nothing_is_refused_before_anything_runs(spec: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        stress(spec)


def test_a_model_without_a_gradient_says_so() -> None:
    def cut(x: Tensor) -> Tensor:
        return torch.stack([x.mean((1, 2, 3))] * 2, 1).detach()

    with pytest.raises(RoadworthyError, match="do not depend on the input differentiably"):
        measured(Bare(cut), pictures(2))
