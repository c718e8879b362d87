"""The Evolutionary attack against its definition written down slowly, one image at a time."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from boundary_world import SHAPE, Bare, Floats, curved, draws, goal_of
from decision_world import begin_at_others, images, others
from scipy.special import ndtr
from torch import Tensor
from torch.nn import functional

from roadworthy.errors import UsageError
from roadworthy.models.counted import Counted
from roadworthy.stress._attacks import decision
from roadworthy.stress._attacks import learned as learned_module
from roadworthy.stress._attacks.drawn_ahead import DrawnAhead
from roadworthy.stress._attacks.learned import Learned
from roadworthy.stress._norms import GEOMETRIES
from roadworthy.stress.attacks import evolutionary as module
from roadworthy.stress.attacks.evolutionary import evolutionary
from roadworthy.stress.bound import stress
from roadworthy.stress.watch import Found

STEPS = 100
MU, SIGMA, C, DECAY = 0.05, 0.2, 0.1, 0.8


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin at given points, move a fourth of the coordinates and adapt often."""
    begin_at_others(monkeypatch, module)
    monkeypatch.setattr(learned_module, "MOVED", 4)
    monkeypatch.setattr(module, "TRIALS", 7)


def _run(model: Bare, x: Tensor, **given: object) -> tuple[Found, Counted]:
    counted = Counted(model)
    given = {"queries": 10**6, **given}
    found = evolutionary.function(
        counted, x, goal_of(model, x), GEOMETRIES["L2"], rng=draws(len(x)), **given
    )
    return found, counted


def _slowly(
    model: Bare, x: Floats, z: Floats, noise: list[Floats], grid: tuple[int, ...]
) -> tuple[Floats, list[float]]:
    label = int(model.function(torch.from_numpy(x)[None]).argmax())
    variance, path = np.ones(int(np.prod(grid))), np.zeros(int(np.prod(grid)))
    ahead, worked, steps = MU, [], [MU]
    for share, length in noise:
        drawn = np.zeros_like(variance)
        for u, n in zip(ndtr(share), length, strict=True):
            at = int(np.searchsorted(np.cumsum(variance), u * variance.sum(), side="right"))
            drawn[at] += n * np.sqrt(variance[at])
        wide = functional.interpolate(
            torch.from_numpy(drawn.reshape(1, *grid)), SHAPE[1:], mode="bilinear"
        )[0].numpy()
        distance = np.linalg.norm(z - x)
        nearer = z + ahead * (x - z)
        point = nearer + SIGMA * distance * wide / np.linalg.norm(wide)
        point = x + (point - x) / np.linalg.norm(point - x) * np.linalg.norm(x - nearer)
        point = point.clip(0, 1)
        reached = int(model.function(torch.from_numpy(point)[None]).argmax()) != label
        worked.append(reached)
        if reached:
            z = point
            path = DECAY * path + np.sqrt(1 - DECAY**2) * drawn
            variance = (1 - C) * variance + C * path**2
        if len(worked) == 7:
            ahead = min(ahead * np.exp(np.mean(worked) - 0.2), 0.5)
            worked = []
            steps.append(ahead)
    return z, steps


@pytest.mark.parametrize("resolution", [None, 2, 9])
@pytest.mark.usefixtures("begun")
def test_the_walk_is_that_of_the_definition(resolution: int | None) -> None:
    model, x = curved(), images(4)
    given = {"mu": MU, "sigma": SIGMA, "c": C, "decay": DECAY, "resolution": resolution}
    found, counted = _run(model, x, steps=STEPS, **given)
    side = min(resolution or 4, 4)
    ahead = DrawnAhead(draws(4), (2, 3 * side**2 // 4), x)
    noise = [ahead.next(torch.arange(4)) for _ in range(STEPS)]
    for i, z in enumerate(others(model, x)):
        each = [n[i].numpy() for n in noise]
        last, steps = _slowly(model, x[i].numpy(), z.numpy(), each, (3, side, side))
        pushed = (x[i].numpy() + (1 + decision.PUSH) * (last - x[i].numpy())).clip(0, 1)
        np.testing.assert_allclose(found.x[i].numpy(), pushed, atol=1e-7)
        assert counted.queries[i] == 1 + STEPS + 1
        assert len(set(steps)) > 3


def test_coordinates_are_drawn_as_their_variances_say() -> None:
    variance = torch.ones((1, 3, 4, 4), dtype=torch.float64)
    variance[0, 1] = 9.0
    variance[0, 2] = 0.0
    learned = Learned(variance, torch.zeros_like(variance), variance.flatten(1).cumsum(1))
    noise = torch.randn((2, 400), generator=torch.Generator().manual_seed(0)).double()
    drawn = torch.stack([learned.drawn(pair.view(1, 2, 1))[0] for pair in noise.T])
    moved = (drawn != 0).sum((0, 2, 3))
    assert moved.sum() == 400
    assert moved[2] == 0
    assert moved[1] / 400 == pytest.approx(0.9, abs=0.05)
    spread = drawn[:, 1][drawn[:, 1] != 0].std()
    assert spread == pytest.approx(3.0, rel=0.15)


def test_what_works_is_learned_by_those_for_whom_it_worked() -> None:
    path = torch.full((2, 3, 2, 2), 0.5, dtype=torch.float64)
    variance = torch.full_like(path, 2.0)
    learned = Learned(variance, path, variance.flatten(1).cumsum(1))
    drawn = torch.full_like(path, 3.0)
    learned.learn(drawn, torch.tensor([True, False]), c=0.1, decay=0.6)
    assert learned.path[0].flatten().tolist() == pytest.approx([0.6 * 0.5 + 0.8 * 3.0] * 12)
    assert learned.variance[0, 0, 0, 0] == pytest.approx(0.9 * 2.0 + 0.1 * 2.7**2)
    assert (learned.path[1] == 0.5).all()
    assert (learned.variance[1] == 2.0).all()
    assert torch.equal(learned.until, learned.variance.flatten(1).cumsum(1))


def test_budgets_hold_and_smaller_ones_are_beginnings_of_larger_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    marks = (15, 60, 150)
    monkeypatch.setattr(decision, "QUERY_MARKS", marks)
    model, x = curved(), images(4)
    longest, _ = _run(model, x, queries=150, mu=0.1, sigma=0.1)
    assert longest.nearest_after is not None
    assert (longest.nearest_after.diff(dim=1) <= 0).all()
    assert (longest.nearest_after[:, 2] < longest.nearest_after[:, 1]).all()
    for k, queries in enumerate(marks[:2]):
        found, counted = _run(model, x, queries=queries, mu=0.1, sigma=0.1)
        assert found.nearest_after is not None
        assert torch.equal(found.nearest_after, longest.nearest_after[:, : k + 1])
        assert (counted.queries <= queries).all()


@pytest.mark.parametrize(
    "wrong",
    [
        "queries=0",
        "steps=0",
        "mu=0",
        "sigma=1",
        "c=0",
        "decay=1",
        "resolution=0",
        "tries=0",
        "stop=-1",
        "norm=Linf",
    ],
)
def test_arguments_that_mean_nothing_are_refused(wrong: str) -> None:
    with pytest.raises(UsageError, match=wrong.split("=")[0]):
        stress(f"evolutionary({wrong})")
