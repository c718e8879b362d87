"""Batches in pieces give what they give as a whole, whatever a network keeps while it computes."""

from __future__ import annotations

import time
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import roadworthy as rw
from roadworthy.models import side_by_side
from roadworthy.models.counted import Counted
from roadworthy.models.gradient import value_and_gradient
from roadworthy.models.precision import cast
from roadworthy.stress.goal import Goal
from roadworthy.stress.losses import cross_entropy, dlr, margin
from roadworthy.types import Classes


class Forgetful(nn.Module):
    """Keeps its input on itself while it computes, as some networks do."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv2d(3, 5, 3)
        self.kept: Any = None

    def forward(self, x: Tensor) -> Tensor:
        self.kept = x
        time.sleep(0.002)  # another thread may come in between
        out: Tensor = self.conv(self.kept).tanh().mean((2, 3))
        return out


@pytest.fixture
def threads() -> Any:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    side_by_side._pool.cache_clear()
    yield
    torch.set_num_threads(before)
    side_by_side._pool.cache_clear()


def _batch(count: int) -> tuple[Any, Tensor, Goal]:
    model = cast(rw.wrap(Forgetful(), size=8, name="forgetful", classes=Classes(5)), "fp64")
    generator = torch.Generator().manual_seed(1)
    x = torch.rand((count, 3, 8, 8), generator=generator, dtype=torch.float64)
    return model, x, Goal(torch.arange(count) % 5)


@pytest.mark.parametrize("loss", [cross_entropy, margin, dlr])
@pytest.mark.parametrize("count", [47, 48, 65, 130])
def test_pieces_change_no_number_and_every_pass_is_counted(
    threads: None, loss: Any, count: int
) -> None:
    model, x, goal = _batch(count)
    counted = Counted(model)
    found = value_and_gradient(counted, loss, x, goal)
    wanted = value_and_gradient(
        model, lambda z, g: loss(z, g), x, goal
    )  # not known by image: whole
    assert bool(side_by_side.pieces_of(model, x)) == (count >= side_by_side.LEAST)
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-14)
    assert (counted.forwards == 1).all()
    assert (counted.backwards == 1).all()
    with torch.no_grad():
        torch.testing.assert_close(counted.logits(x), wanted[0], rtol=1e-12, atol=1e-14)
    assert (counted.forwards == 2).all()
    assert (counted.backwards == 1).all()
    assert torch.get_num_threads() == 2


def test_pieces_do_not_depend_on_the_number_of_threads(threads: None) -> None:
    model, x, goal = _batch(100)
    several = value_and_gradient(model, cross_entropy, x.float(), goal)
    torch.set_num_threads(1)
    alone = value_and_gradient(model, cross_entropy, x.float(), goal)
    for one, other in zip(several, alone, strict=True):
        assert torch.equal(one, other)


def test_networks_with_random_numbers_of_their_own_go_as_a_whole() -> None:
    module = nn.Sequential(nn.Dropout(0.5), Forgetful())
    model = rw.wrap(module, size=8, name="wet", classes=Classes(5), stochastic=True)
    x = torch.rand(64, 3, 8, 8)
    assert side_by_side.pieces_of(model, x) == []


def test_an_error_in_a_piece_is_the_error(threads: None) -> None:
    model, x, goal = _batch(64)
    with pytest.raises(rw.RoadworthyError, match="not at torch.int64"):
        value_and_gradient(model, cross_entropy, (x * 255).long(), goal)
    with pytest.raises(IndexError):
        value_and_gradient(model, cross_entropy, x, Goal(torch.full((64,), 9)))
