"""Square as a search: what it finds, and that neither batch nor looking ahead changes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from roadworthy.errors import UsageError
from roadworthy.models.counted import Counted
from roadworthy.stress._attacks import square_pace
from roadworthy.stress.attacks.square import square
from roadworthy.stress.ball import Ball, Norm
from roadworthy.stress.bound import stress
from roadworthy.stress.draws import BatchDraws, FastDraws
from roadworthy.stress.goal import Goal
from roadworthy.stress.losses import cross_entropy, margin
from roadworthy.stress.watch import Found
from roadworthy.types import Need

NORMS: list[tuple[Norm, float]] = [("Linf", 0.04), ("L2", 0.5), ("L1", 4.0)]
COUNT = 6
QUERIES = 40


@dataclass
class Net:
    """Answers in NumPy, so that nothing of it can be differentiated, each image on its own."""

    frame: tuple[int, int] = (9, 12)
    id: str = "net"
    gives: frozenset[Need] = frozenset({Need.LOGITS})
    batches: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        rng = np.random.default_rng(0)
        wide = 3 * self.frame[0] * self.frame[1]
        self.first, self.last = rng.normal(size=(wide, 12)) / 4, rng.normal(size=(12, 4))

    def logits(self, x: Tensor) -> Tensor:
        self.batches.append(len(x))
        answers = [np.tanh(z.ravel() @ self.first) @ self.last for z in x.numpy()]
        return torch.from_numpy(np.stack(answers)).to(x.dtype)


def _images(net: Net) -> tuple[Tensor, Tensor]:
    x = torch.from_numpy(np.random.default_rng(2).random((COUNT, 3, *net.frame)))
    return x, net.logits(x).argmax(1)


def _run(
    norm: Norm,
    eps: float,
    rows: Sequence[int] = range(COUNT),
    *,
    net: Net | None = None,
    x: Tensor | None = None,
    targets: Tensor | None = None,
    **given: Any,
) -> tuple[Found, Counted]:
    net = net or Net()
    clean, labels = _images(net)
    chosen = torch.tensor(list(rows))
    counted = Counted(net)  # type: ignore[arg-type]
    goal = Goal(labels, targets).at(chosen)
    ball = Ball(norm, torch.full((len(chosen),), eps, dtype=torch.float64))
    rng = BatchDraws([FastDraws(np.random.default_rng(70 + i)) for i in rows])
    x = (clean if x is None else x)[chosen]
    found: Found = square.function(counted, x, goal, ball, rng=rng, **{"queries": QUERIES, **given})
    return found, counted


def _steps(found: Found) -> tuple[list[int], list[int]]:
    assert found.steps_used is not None
    assert found.step_success is not None
    return found.steps_used.tolist(), found.step_success.tolist()


@pytest.mark.parametrize(("norm", "eps"), NORMS)
@pytest.mark.parametrize("stop", ["success", "never"])
def test_neither_the_batch_nor_looking_ahead_changes_anything(
    norm: Norm, eps: float, stop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(square_pace.IDLE_PIXELS, "cpu", 9 * 12 * 10)
    net = Net(gives=frozenset({Need.LOGITS, Need.GRADIENT}))
    ahead, _ = _run(norm, eps, net=net, stop=stop)
    assert max(net.batches) > COUNT
    net = Net()  # one that only answers is asked one after the other
    found, counted = _run(norm, eps, net=net, stop=stop)
    assert max(net.batches) == COUNT
    np.testing.assert_array_equal(counted.forwards, _steps(found)[0])
    assert torch.equal(ahead.x, found.x)
    assert _steps(ahead) == _steps(found)
    order = [4, 1, 5, 0, 2, 3]
    mixed, _ = _run(norm, eps, order, stop=stop)
    assert torch.equal(mixed.x, found.x[torch.tensor(order)])
    for row in (0, 3):
        alone, _ = _run(norm, eps, [row], stop=stop)
        assert torch.equal(alone.x[0], found.x[row])
        assert [s[0] for s in _steps(alone)] == [s[row] for s in _steps(found)]


@pytest.mark.parametrize(("norm", "eps"), NORMS)
@pytest.mark.parametrize("targeted", [False, True])
@pytest.mark.parametrize("stop", ["success", "never"])
def test_more_queries_never_lose_and_success_comes_after_the_query_it_says(
    norm: Norm, eps: float, targeted: bool, stop: str
) -> None:
    net = Net()
    x, labels = _images(net)
    targets = (labels + 1) % 4 if targeted else None
    goal, loss = Goal(labels, targets), cross_entropy if targeted else margin
    whole, counted = _run(norm, 2 * eps, targets=targets, stop=stop)
    used, success = _steps(whole)
    assert max(success) > 1
    assert (counted.forwards >= used).all()
    assert not counted.backwards.any()
    values = [loss(net.logits(x), goal)]
    for queries in (1, 2, 11, QUERIES - 1, QUERIES):
        found, _ = _run(norm, 2 * eps, targets=targets, stop=stop, queries=queries)
        logits = net.logits(found.x)
        values.append(loss(logits, goal))
        expected = [0 < s <= queries for s in success]
        assert goal.reached(logits).tolist() == expected
        assert _steps(found)[1] == [
            s if done else -1 for s, done in zip(success, expected, strict=True)
        ]
        leave = [done and stop == "success" for done in expected]
        assert _steps(found)[0] == [
            s if left else queries for s, left in zip(success, leave, strict=True)
        ]
    rises = torch.stack(values[1:]).diff(dim=0)
    missed = torch.tensor([s == -1 for s in success])
    assert (rises[:, missed] >= 0).all()  # an image may give up some loss to reach the goal
    assert (rises[:, missed].sum(0) > 0).all()


@pytest.mark.parametrize(("norm", "eps"), NORMS)
@pytest.mark.parametrize("frame", [(1, 1), (1, 5), (2, 2), (4, 4), (7, 3), (9, 12)])
def test_every_frame_works_and_stays_inside_ball_and_box(
    norm: Norm, eps: float, frame: tuple[int, int]
) -> None:
    net = Net(frame)
    x, _ = _images(net)
    x[::2] = x[::2].round()
    for budget in (0.0, eps, 3.0):
        found, _ = _run(norm, budget, net=net, x=x, stop="never")
        assert ((found.x >= 0) & (found.x <= 1)).all()
        difference = (found.x - x).flatten(1)
        order = {"Linf": torch.inf, "L2": 2, "L1": 1}[norm]
        assert (difference.norm(order, dim=1) <= budget * (1 + 1e-9)).all()
        assert bool(difference.any()) == (budget > 0)


def test_under_linf_every_pixel_is_at_an_end_of_ball_or_box() -> None:
    x, _ = _images(Net())
    found, _ = _run("Linf", 0.1, stop="never")
    ends = torch.stack([(x - 0.1).clamp(0, 1), (x + 0.1).clamp(0, 1)])
    assert ((found.x - ends).abs().amin(0) < 1e-15).all()


def test_every_image_has_its_own_radius() -> None:
    net = Net()
    x, labels = _images(net)
    eps = torch.tensor([0.01, 0.02, 0.03, 0.01, 0.02, 0.03], dtype=torch.float64)
    rng = BatchDraws([FastDraws(np.random.default_rng(i)) for i in range(COUNT)])
    counted = Counted(net)  # type: ignore[arg-type]
    found = square.function(counted, x, Goal(labels), Ball("Linf", eps), queries=9, rng=rng)
    np.testing.assert_allclose((found.x - x).flatten(1).abs().amax(1), eps, atol=1e-12)


@pytest.mark.parametrize(("norm", "eps"), NORMS)
def test_an_image_that_is_not_a_number_changes_no_other(norm: Norm, eps: float) -> None:
    x, _ = _images(Net())
    expected, _ = _run(norm, eps)
    x[2] = torch.nan
    found, _ = _run(norm, eps, x=x)
    others = [0, 1, 3, 4, 5]
    assert torch.equal(found.x[others], expected.x[others])
    assert _steps(found)[0][2] == QUERIES
    assert _steps(found)[1][2] == -1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("square(eps=0.1, queries=0)", "queries"),
        ("square(eps=0.1, initial_fraction=0)", "initial_fraction"),
        ("square(eps=0.1, initial_fraction=1.5)", "initial_fraction"),
        ("square(eps=3, norm=L0)", "norm"),
    ],
)
def test_arguments_that_mean_nothing_are_refused(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        stress(text)
