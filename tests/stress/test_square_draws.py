"""Square's schedule, the sides and places of its squares, and how they are drawn ahead."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from roadworthy.stress._attacks.square_bumps import BumpProposals, bump
from roadworthy.stress._attacks.square_linf import LinfProposals
from roadworthy.stress._attacks.square_pace import MOST, Pace
from roadworthy.stress._attacks.square_stock import BLOCK, Squares, Stock, fractions, places
from roadworthy.stress.draws import BatchDraws, FastDraws

LINF, L2 = LinfProposals(), BumpProposals(order=2, decay=2)


def _stock(sides: list[int], *, images: int = 3, frame: tuple[int, int] = (9, 14)) -> Stock:
    draws = BatchDraws([FastDraws(np.random.default_rng(10 + i)) for i in range(images)])
    return Stock(draws, np.array(sides, np.int64), like=torch.zeros(images, 3, *frame))


def _all(stock: Stock, count: int, rows: list[int]) -> Squares:
    return stock.take(torch.tensor(rows), torch.zeros(len(rows), dtype=torch.long), count, 0)


@pytest.mark.parametrize(
    ("iteration", "halvings"),
    [
        (0, 0),
        (10, 0),
        (11, 1),
        (50, 1),
        (51, 2),
        (200, 2),
        (201, 3),
        (500, 3),
        (501, 4),
        (1000, 4),
        (1001, 5),
        (2000, 5),
        (2001, 6),
        (4000, 6),
        (4001, 7),
        (6000, 7),
        (6001, 8),
        (8000, 8),
        (8001, 9),
        (9999, 9),
    ],
)
def test_the_area_is_halved_after_the_published_iterations(iteration: int, halvings: int) -> None:
    assert fractions(10_000, 0.8, queries=None)[iteration] == 0.8 / 2**halvings


def test_rescaling_runs_through_the_whole_schedule() -> None:
    whole, short = fractions(10_000, 0.3, queries=None), fractions(999, 0.3, queries=1000)
    np.testing.assert_array_equal(short, whole[::10][:999])
    assert short[-1] == 0.3 / 512


def test_sides_are_rounded_and_stay_inside_the_frame() -> None:
    assert [LINF.side(p, 32, 32) for p in (0.8, 0.4, 0.1, 0.0125, 1e-6)] == [29, 20, 10, 4, 1]
    assert [L2.side(p, 32, 32) for p in (0.8, 0.4, 0.1, 0.0125, 1e-6)] == [29, 21, 11, 5, 3]
    assert LINF.side(0.8, 8, 64) == L2.side(0.8, 64, 8) == 8
    assert LINF.side(0.8, 1, 1) == L2.side(0.8, 1, 1) == 1
    assert L2.side(0.8, 2, 9) == 2


def test_places_reach_each_limit_of_a_frame_that_is_not_square_and_no_further() -> None:
    squares = _all(_stock([4] * 3000), 3000, [0, 1, 2])
    for corners in (squares.first, squares.second):
        assert corners.amin((0, 1)).tolist() == [0, 0]
        assert corners.amax((0, 1)).tolist() == [9 - 4 - 1, 14 - 4 - 1]
        counts = torch.bincount(corners[..., 1].flatten().long())
        assert (counts - 900).abs().max() < 150  # uniform: five standard deviations
    assert not _all(_stock([9] * 300), 300, [0]).first[..., 0].any()
    assert set(squares.signs.flatten().tolist()) == {-1, 1}
    assert squares.signs.double().mean((0, 1)).abs().max() < 0.06
    assert abs(squares.turned.double().mean() - 0.5) < 0.03
    # Nothing that is drawn goes with anything else.
    fields = [squares.first, squares.second, squares.signs, squares.turned[..., None]]
    drawn = torch.cat(fields, -1).flatten(0, 1).double()
    off = torch.corrcoef(drawn.T) - torch.eye(8)
    assert off.abs().max() < 0.06


def test_squares_of_an_image_depend_neither_on_the_others_nor_on_how_far_one_looks_ahead() -> None:
    sides, count = [5] * 100 + [3] * (BLOCK + 50), BLOCK + 150
    whole = _all(_stock(sides), count, [0, 1, 2])
    assert whole.side[99].eq(5).all()
    assert whole.side[100].eq(3).all()
    stock, rows = _stock(sides), torch.tensor([2, 0])
    for tried in (torch.tensor([0, 0]), torch.tensor([3, 7]), torch.tensor([BLOCK - 2, 240])):
        some = stock.take(rows, tried, 5, int(tried.max()))
        for k in range(5):
            for place, row in enumerate(rows.tolist()):
                at = int(tried[place]) + k
                for name in ("side", "first", "second", "turned", "signs"):
                    assert torch.equal(getattr(some, name)[k, place], getattr(whole, name)[at, row])


def test_drawing_more_squares_leaves_the_generators_of_the_images_where_they_were() -> None:
    after = []
    for count in (1, BLOCK + 1):
        draws = BatchDraws([FastDraws(np.random.default_rng(3))])
        stock = Stock(draws, np.full(BLOCK + 1, 2), like=torch.zeros(1, 3, 8, 8))
        _all(stock, count, [0])
        after.append(draws.uniform(0.0, 1.0, (4,)))
    np.testing.assert_array_equal(after[0], after[1])


def test_places_are_those_of_the_squares_in_the_whole_batch() -> None:
    batch = torch.arange(3 * 2 * 4 * 6).view(3, 2, 4, 6)
    found = places(torch.tensor([2, 0]), torch.tensor([[1, 3], [0, 4]]), 2, batch.shape)
    assert torch.equal(batch.view(-1)[found[0]], batch[2, :, 1:3, 3:5].flatten(1))
    assert torch.equal(batch.view(-1)[found[1]], batch[0, :, 0:2, 4:6].flatten(1))


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("side", [1, 2, 3, 4, 7])
def test_bumps_have_norm_one_and_two_poles_of_equal_weight(order: int, side: int) -> None:
    shape = bump(side, order, 2)
    assert np.linalg.norm(shape.ravel(), order) == pytest.approx(1.0)
    assert (shape[: side // 2] > 0).all()
    assert (shape[side // 2 :] < 0).all()
    if side > 1:
        poles = [np.linalg.norm(part.ravel(), order) for part in np.split(shape, [side // 2])]
        assert poles[0] == pytest.approx(poles[1])


def test_a_mound_is_nested_squares() -> None:
    shape = bump(5, 1, 2)
    # The lower half has 3 rows; its middle is its second row, third column.
    lower = -2 * shape[2:]
    ring, middle = 1 / 4 + 1 / 9, 1 + 1 / 4 + 1 / 9
    edge = 1 / 9
    total = middle + 8 * ring + 6 * edge
    np.testing.assert_allclose(lower[1], np.array([edge, ring, middle, ring, edge]) / total)
    np.testing.assert_allclose(lower[0], np.array([edge, ring, ring, ring, edge]) / total)


def test_many_images_are_tried_one_at_a_time_and_few_the_more_the_rarer_they_accept() -> None:
    pace = Pace(torch.zeros(1, 3, 32, 32))
    assert pace.ahead(16) == pace.ahead(500) == 1
    often = pace.ahead(1)
    for _ in range(200):
        pace.saw(0, 8)
    assert 1 < often < pace.ahead(1) <= MOST
    assert pace.ahead(64) == 1 < pace.ahead(30) < pace.ahead(8) <= 8
    assert Pace(torch.zeros(1, 3, 224, 224)).ahead(1) == 1
