"""Budgets, what is kept, starting points and bisection of attacks that only get decisions."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from boundary_world import SHAPE, Bare, draws, linear
from torch import Tensor

from roadworthy.models.counted import Counted
from roadworthy.stress._attacks import decision
from roadworthy.stress._attacks.decision import PUSH, Decisions
from roadworthy.stress._attacks.decision_start import bisected, started
from roadworthy.stress._attacks.drawn_ahead import DrawnAhead
from roadworthy.stress._attacks.recent import Recent
from roadworthy.stress._norms import GEOMETRIES
from roadworthy.stress.goal import Goal
from roadworthy.stress.norm_names import Norm

D = math.prod(SHAPE)
GREY = torch.full((1, *SHAPE), 0.5, dtype=torch.float64)


def brighter(by: float = 0.1) -> Bare:
    """Class 1 where the mean is at least ``by`` above grey."""
    weight = torch.stack([torch.zeros(SHAPE), torch.full(SHAPE, 1.0 / D)]).double()
    return linear(weight, torch.tensor([0.0, -0.5 - by], dtype=torch.float64))


def asking(
    model: Bare,
    x: Tensor,
    *,
    queries: int = 50,
    norm: Norm = "L2",
    stop: float | Tensor = 0.0,
    seconds: float | None = None,
) -> tuple[Decisions, Counted]:
    counted = Counted(model)
    goal = Goal(torch.zeros(len(x), dtype=torch.long), clean=model.function(x))
    ends = {"queries": queries, "stop": stop, "seconds": seconds}
    return Decisions(counted, x, goal, GEOMETRIES[norm], **ends), counted  # type: ignore[arg-type]


def test_a_change_is_small_enough_if_it_is_after_the_push_for_each_image_by_its_own_measure() -> (
    None
):
    x, everyone = GREY.repeat(3, 1, 1, 1), torch.arange(3)
    near = 0.2 * D**0.5
    stop = near * torch.tensor([1 + PUSH / 2, 1 + 2 * PUSH, 0.9], dtype=torch.float64)
    asked, _ = asking(brighter(), x, stop=stop)
    assert asked.ask(everyone, x + 0.2).all()
    assert asked.goes_on(everyone).tolist() == [True, False, True]
    found = asked.found()
    assert GEOMETRIES["L2"].size(found.x - x)[1] <= stop[1]


def test_the_nearest_point_that_reached_the_goal_is_kept_and_pushed_a_little() -> None:
    x, everyone = GREY.repeat(2, 1, 1, 1), torch.arange(2)
    asked, _ = asking(brighter(), x)
    for by in (0.4, 0.2, 0.05, 0.3):
        reached = asked.ask(everyone, x + torch.tensor([by, 0.01]).view(2, 1, 1, 1))
        assert reached.tolist() == [by > 0.1, False]
    found = asked.found()
    torch.testing.assert_close(found.x[0] - 0.5, torch.full(SHAPE, 0.2 * (1 + PUSH)).double())
    assert torch.equal(found.x[1], x[1])
    assert asked.distance.tolist() == pytest.approx([0.2 * D**0.5, math.inf])
    assert found.step_success is not None
    assert found.step_success.tolist() == [1, -1]


def test_where_the_pushed_point_misses_the_goal_the_point_itself_is_returned() -> None:
    def ring(x: Tensor) -> Tensor:
        mean = x.mean((1, 2, 3))
        inside = (mean >= 0.7) & (mean < 0.700001)
        return torch.stack([1.0 - inside.double(), inside.double()], 1)

    asked, counted = asking(Bare(ring), GREY)
    point = torch.full_like(GREY, 0.7000005)
    assert asked.ask(torch.arange(1), point).all()
    assert torch.equal(asked.found().x, point)
    assert counted.queries.tolist() == [2]


def test_every_query_counts_and_the_last_is_kept_for_what_is_found() -> None:
    x, rows = GREY.repeat(3, 1, 1, 1), torch.tensor([0, 2])
    asked, counted = asking(brighter(), x, queries=6)
    assert asked.ask(rows, x[rows] + 0.3).all()
    assert counted.queries.tolist() == [1, 0, 1]
    assert asked.goes_on(torch.arange(3), 4).tolist() == [True, True, True]
    assert asked.goes_on(torch.arange(3), 5).tolist() == [False, True, False]
    many = (x[rows] + torch.tensor([0.0, 0.2, 0.3]).view(3, 1, 1, 1, 1)).double()
    assert asked.ask_about(rows, many).T.tolist() == [[False, True, True]] * 2
    assert asked.distance[0] == pytest.approx(0.3 * D**0.5)  # none of these counts as found
    assert asked.able(torch.arange(3), 2).tolist() == [1]
    found = asked.found()
    assert counted.queries.tolist() == [5, 0, 5]
    assert found.steps_used is not None
    assert found.steps_used.tolist() == [4, 0, 4]


def test_forward_passes_take_no_more_images_than_they_should(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(decision, "AT_ONCE", 3)
    model, x = brighter(), GREY.repeat(7, 1, 1, 1)
    asked, counted = asking(model, x)
    by = torch.tensor([0.0, 0.2, 0.0, 0.2, 0.2, 0.0, 0.3], dtype=torch.float64)
    reached = asked.ask(torch.arange(7), x + by.view(7, 1, 1, 1))
    assert reached.tolist() == (by > 0.1).tolist()
    assert [len(points) for points in model.asked] == [3, 3, 1]
    assert counted.queries.tolist() == [1] * 7


def test_large_images_go_fewer_at_once() -> None:
    large = torch.zeros((1, 3, 224, 448))
    assert (
        Decisions(
            Counted(brighter()), large, Goal(torch.zeros(1)), GEOMETRIES["L2"], queries=5
        ).at_once
        == 32
    )


def test_distances_are_noted_at_each_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decision, "QUERY_MARKS", (2, 4, 6, 9))
    asked, _ = asking(brighter(), GREY, queries=8)
    everyone = torch.arange(1)
    # With the one that is kept back, the first is the second query of the budget.
    for by in (0.45, 0.4, 0.3):
        asked.ask(everyone, GREY + by)
    asked.ask_about(everyone, torch.stack([GREY + 0.2] * 2))
    asked.ask(everyone, GREY + 0.11)
    found = asked.found()
    assert found.nearest_after is not None
    each = [by * D**0.5 for by in (0.45, 0.3, 0.3)]
    assert found.nearest_after.tolist()[0] == pytest.approx(each)


def test_an_image_that_ends_early_has_its_last_distance_at_later_marks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(decision, "QUERY_MARKS", (2, 4, 6))
    asked, _ = asking(brighter(), GREY, queries=8, stop=0.3 * D**0.5)
    asked.ask(torch.arange(1), GREY + 0.45)
    assert asked.goes_on(torch.arange(1)).all()
    asked.ask(torch.arange(1), GREY + 0.25)
    assert not asked.goes_on(torch.arange(1)).any()
    found = asked.found()
    assert found.nearest_after is not None
    assert found.nearest_after[0].tolist() == pytest.approx(
        [v * D**0.5 for v in (0.45, 0.25, 0.25)]
    )


def test_when_the_time_is_over_nobody_goes_on() -> None:
    asked, _ = asking(brighter(), GREY, seconds=1e-9)
    assert not asked.goes_on(torch.arange(1)).any()
    asked, _ = asking(brighter(), GREY, seconds=1000)
    assert asked.goes_on(torch.arange(1)).all()


def test_images_that_are_wrong_or_not_finite_are_left_alone() -> None:
    x = torch.cat([GREY, GREY + 0.2, GREY])
    x[2, 0, 0, 0] = torch.nan
    asked, counted = asking(brighter(), x)
    rows, _ = started(asked, draws(3), start="blended", tries=20)
    assert rows.tolist() == [0]
    assert counted.queries[1:].tolist() == [0, 0]
    assert asked.distance[1] == 0
    assert torch.equal(asked.found().x[1], x[1])


def test_a_start_is_noise_that_reaches_the_goal_or_the_first_mixture_with_it() -> None:
    model, x = brighter(0.05), GREY.repeat(4, 1, 1, 1)
    plain, _ = asking(model, x, queries=200)
    rows, noise = started(plain, draws(4), start="noise", tries=60)
    mixed, counted = asking(model, x, queries=200)
    _, blended = started(mixed, draws(4), start="blended", tries=60)
    assert rows.tolist() == [0, 1, 2, 3]
    for index in range(4):
        share = (blended[index] - 0.5) / (noise[index] - 0.5)
        k = round(float(share.flatten()[0]) * 50)
        torch.testing.assert_close(share, torch.full(SHAPE, k / 50).double())
        means = [(0.5 + step / 50 * (noise[index] - 0.5)).mean() for step in (k - 1, k)]
        assert means[0] < 0.55 <= means[1] + 1e-12
    assert plain.distance.isfinite().all()
    assert (mixed.distance <= plain.distance).all()
    assert (counted.queries > 1).all()


def test_coarse_and_sharp_noise_is_tried_where_fine_noise_does_not_do() -> None:
    model = brighter(0.45)  # noise of single elements is never so bright
    asked, _ = asking(model, GREY, queries=300)
    rows, z = started(asked, draws(1), start="noise", tries=200)
    assert rows.tolist() == [0]
    assert set(z.flatten().tolist()) <= {0.0, 1.0}


def test_no_more_noise_is_drawn_than_allowed() -> None:
    asked, counted = asking(brighter(0.6), GREY.repeat(2, 1, 1, 1))  # cannot be reached
    rows, _ = started(asked, draws(2), start="blended", tries=7)
    assert not len(rows)
    assert counted.queries.tolist() == [7, 7]


@pytest.mark.parametrize(("norm", "exact"), [("L2", 0.1 * D**0.5), ("Linf", None)])
def test_bisection_ends_on_the_boundary(norm: Norm, exact: float | None) -> None:
    x = GREY.repeat(2, 1, 1, 1)
    asked, counted = asking(brighter(), x, norm=norm, queries=60)
    z = torch.full_like(x, 0.9)
    z[:, 0, 0, 0] = 1.0
    assert asked.ask(torch.arange(2), z).all()
    tolerance = torch.tensor([1e-3, 1e-6], dtype=torch.float64)
    found = bisected(asked, torch.arange(2), z, tolerance)
    above = found.mean((1, 2, 3)) - 0.6
    assert (above >= 0).all()
    assert (above <= tolerance).all()
    assert above[0] > 1e-6  # it ends where it is exact enough
    if norm == "Linf":
        torch.testing.assert_close(found[1], torch.full(SHAPE, 0.6).double(), atol=1e-6, rtol=0)
    else:
        along = (found[1] - 0.5) / (z[1] - 0.5)
        torch.testing.assert_close(along, along[0, 0, 0].expand(SHAPE))
    start = float(GEOMETRIES[norm].size(z - x)[0])
    rounds = [math.ceil(math.log2(start / float(t))) for t in tolerance]
    assert counted.queries.tolist() == [1 + r for r in rounds]


def test_bisection_ends_with_the_budget_and_with_the_last_bits() -> None:
    asked, counted = asking(brighter(), GREY, queries=6)
    z = torch.full_like(GREY, 0.9)
    asked.ask(torch.arange(1), z)
    bisected(asked, torch.arange(1), z, torch.zeros(1, dtype=torch.float64))
    assert counted.queries.tolist() == [5]
    asked, counted = asking(brighter(), GREY, queries=1000)
    bisected(asked, torch.arange(1), z, torch.zeros(1, dtype=torch.float64))
    assert counted.queries[0] < 60


def test_recent_knows_a_rate_once_it_has_seen_enough() -> None:
    recent, rows = Recent(3, 4, torch.device("cpu")), torch.tensor([0, 2])
    for worked in ([True, False], [True, False], [False, True]):
        recent.add(rows, torch.tensor(worked))
        assert recent.rate(rows).isnan().all()
    recent.add(rows, torch.tensor([False, False]))
    assert recent.rate(rows).tolist() == [0.5, 0.25]
    recent.add(rows, torch.tensor([False, True]))  # the oldest is forgotten
    assert recent.rate(rows).tolist() == [0.25, 0.5]
    recent.clear(torch.tensor([0]))
    assert recent.rate(torch.arange(3)).isnan().tolist() == [True, True, False]


def test_noise_drawn_ahead_is_the_same_whoever_is_left() -> None:
    like = torch.zeros(1, dtype=torch.float64)
    whole, alone = DrawnAhead(draws(3), (2, 5), like), DrawnAhead(draws(3), (2, 5), like)
    everyone, one = torch.arange(3), torch.tensor([2])
    seen = [whole.next(everyone)]
    seen += [whole.next(torch.tensor([0, 2])) for _ in range(40)]
    mine = [alone.next(one) for _ in range(41)]
    assert torch.equal(seen[0][2:], mine[0])
    for both, single in zip(seen[1:], mine[1:], strict=True):
        assert both.shape == (2, 2, 5)
        assert torch.equal(both[1:], single)
    values = np.concatenate([m.numpy().ravel() for m in mine])
    assert len(np.unique(values)) == values.size
    assert abs(values.mean()) < 0.2
    assert abs(values.std() - 1) < 0.15
