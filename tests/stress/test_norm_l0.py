from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from roadworthy.errors import UsageError
from roadworthy.stress._norms.l0 import L0
from roadworthy.stress._norms.order import largest
from roadworthy.stress.ball import Ball
from roadworthy.stress.draws import BatchDraws, FastDraws


def _flat(values: list[float]) -> torch.Tensor:
    return torch.tensor([values], dtype=torch.float64).view(1, -1, 1, 1)


@given(seed=st.integers(0, 10_000), count=st.integers(0, 6), spread=st.floats(0.1, 5.0))
@settings(max_examples=60, deadline=None)
def test_no_other_choice_of_elements_is_nearer(seed: int, count: int, spread: float) -> None:
    rng = np.random.default_rng(seed)
    x = rng.random(6)
    z = x + spread * rng.standard_normal(6)
    best = min(
        sum((z[i] - (np.clip(z[i], 0, 1) if i in kept else x[i])) ** 2 for i in range(6))
        for kept in combinations(range(6), count)
    )
    ball = Ball("L0", torch.tensor([float(count)], dtype=torch.float64))
    ours = ball.project(_flat(x.tolist()), _flat(z.tolist())).flatten().numpy()
    assert (ours != x).sum() <= count
    assert ((z - ours) ** 2).sum() == pytest.approx(best)


def test_a_step_out_of_the_box_counts_for_what_remains_of_it() -> None:
    # The first element wants most but has hardly any room; 2 * 0.9 * 0.3 - 0.3^2 beats 2 * 5 * 0.01.
    x, z = _flat([0.99, 0.5, 0.7]), _flat([5.99, 0.55, 1.6])
    assert Ball("L0", torch.tensor([1.0])).project(x, z).flatten().tolist() == [0.99, 0.5, 1.0]


@pytest.mark.parametrize("seed", range(10))
def test_one_large_step_solves_a_linear_model(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, weights = rng.random(7), rng.standard_normal(7)
    room = np.where(weights > 0, 1 - x, x) * np.abs(weights)
    best = max(room[list(kept)].sum() for kept in combinations(range(7), 3))
    ball = Ball("L0", torch.tensor([3.0], dtype=torch.float64))
    start = _flat(x.tolist())
    step = 1e6 * ball.steepest(_flat(weights.tolist()), at=start)
    found = ball.project(start, start + step).flatten().numpy()
    assert weights @ (found - x) == pytest.approx(best, rel=1e-5)
    assert set(found[found != x]) <= {0.0, 1.0}


def test_a_step_moves_the_best_element_by_its_size_and_others_in_proportion() -> None:
    gradient = _flat([0.5, -2.0, 1.0])
    assert L0().steepest(gradient, None).flatten().tolist() == [0.25, -1.0, 0.5]
    assert L0().dual(gradient).tolist() == [2.0]


def test_the_start_changes_random_elements_to_random_values() -> None:
    x = torch.full((3, 3, 16, 16), 0.25)
    radius = torch.tensor([200.0, 0.0, 768.0])
    draws = BatchDraws([FastDraws(np.random.default_rng(i)) for i in range(3)])
    start = Ball("L0", radius).random_start(x, draws)
    assert Ball("L0", radius).size(start - x).tolist() == radius.tolist()
    changed = start[0][start[0] != 0.25]
    assert 0.45 < changed.mean() < 0.55
    assert changed.min() < 0.05
    assert changed.max() > 0.95
    rows = (start[0] != 0.25).sum((0, 2))
    assert rows.min() > 3  # 12.5 are expected in every row


def test_of_equal_elements_the_first_are_taken_whatever_others_want() -> None:
    values = torch.tensor([[1.0, 3, 1, 1, 1, 3]] * 3)
    expected = [[0, 1, 0, 0, 0, 0], [1, 1, 1, 0, 0, 1], [0, 0, 0, 0, 0, 0]]
    assert largest(values, torch.tensor([1, 4, 0])).int().tolist() == expected
    alone = largest(torch.zeros(1, 5000), torch.tensor([2]))
    assert alone.nonzero()[:, 1].tolist() == [0, 1]


def test_there_is_no_projection_onto_a_plane() -> None:
    x = torch.zeros(1, 1, 1, 1)
    with pytest.raises(UsageError, match="sigma_zero"):
        L0().onto_plane(x, x, torch.zeros(1))
