"""The Boundary attack against its definition written down slowly, one image at a time."""

from __future__ import annotations

from collections import deque

import numpy as np
import pytest
import torch
from boundary_world import SHAPE, Bare, Floats, curved, draws, goal_of
from decision_world import begin_at_others, images, others
from torch import Tensor

from roadworthy.errors import UsageError
from roadworthy.models.counted import Counted
from roadworthy.stress._attacks import decision
from roadworthy.stress._attacks.drawn_ahead import DrawnAhead
from roadworthy.stress._norms import GEOMETRIES
from roadworthy.stress.attacks import boundary as module
from roadworthy.stress.attacks.boundary import boundary
from roadworthy.stress.bound import stress
from roadworthy.stress.watch import Found

STEPS = 90


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin at given points, measure every step and keep short notes."""
    begin_at_others(monkeypatch, module)
    for name, value in {"MEASURED": 3, "SPHERICAL": 5, "STEPS": 3}.items():
        monkeypatch.setattr(module, name, value)


def _run(model: Bare, x: Tensor, **given: object) -> tuple[Found, Counted]:
    counted = Counted(model)
    goal = goal_of(model, x)
    found = boundary.function(
        counted, x, goal, GEOMETRIES["L2"], rng=draws(len(x)), **{"queries": 10**6, **given}
    )
    return found, counted


def _slowly(
    model: Bare, x: Floats, z: Floats, noise: list[Floats], aside: float, ahead: float, by: float
) -> tuple[Floats, int, float, float]:
    def wrong(point: Floats) -> bool:
        logits = model.function(torch.from_numpy(point)[None])
        return int(logits.argmax()) != label

    label = int(model.function(torch.from_numpy(x)[None]).argmax())
    spherical: deque[bool] = deque(maxlen=5)
    stepped: deque[bool] = deque(maxlen=3)
    queries = 1
    for number, eta in enumerate(noise, start=1):
        away = z - x
        distance = np.linalg.norm(away)
        unit = away / distance
        eta = eta - (eta * unit).sum() * unit
        eta = eta * aside * distance / np.linalg.norm(eta)
        sphere = (x + (away + eta) / np.sqrt(1 + aside**2)).clip(0, 1)
        wanted = (1 - ahead) * distance
        back = sphere - x
        point = (x + back * min(1.0, wanted / np.linalg.norm(back))).clip(0, 1)
        if number % 3 == 0:
            spherical.append(wrong(sphere))
        worked = wrong(point)
        queries += 1 + (number % 3 == 0)
        z = point if worked else z
        if number % 3:
            continue
        stepped.append(worked)
        if len(spherical) == 5:
            rate = sum(spherical) / 5
            if rate > 0.5 or rate < 0.2:
                factor = by if rate > 0.5 else 1 / by
                aside, ahead = aside * factor, ahead * factor
                spherical.clear()
        if len(stepped) == 3:
            rate = sum(stepped) / 3
            if rate > 0.25 or rate < 0.1:
                ahead *= by if rate > 0.25 else 1 / by
                stepped.clear()
    return z, queries, aside, ahead


@pytest.mark.parametrize(("aside", "ahead", "by"), [(0.2, 0.05, 1.5), (0.9, 0.4, 1.2)])
@pytest.mark.usefixtures("begun")
def test_the_walk_is_that_of_the_definition(aside: float, ahead: float, by: float) -> None:
    model, x = curved(), images(4)
    given = {"spherical_step": aside, "source_step": ahead, "adaptation": by}
    found, counted = _run(model, x, steps=STEPS, **given)
    ahead_of = DrawnAhead(draws(4), SHAPE, x)
    noise = [ahead_of.next(torch.arange(4)) for _ in range(STEPS)]
    changed = []
    for i, z in enumerate(others(model, x)):
        each = [n[i].numpy() for n in noise]
        last, queries, *steps = _slowly(model, x[i].numpy(), z.numpy(), each, aside, ahead, by)
        pushed = (x[i].numpy() + (1 + decision.PUSH) * (last - x[i].numpy())).clip(0, 1)
        np.testing.assert_allclose(found.x[i].numpy(), pushed, atol=1e-9)
        assert counted.queries[i] == queries + 1  # and the last look
        changed.append(steps)
    assert any(step[0] > aside for step in changed) or any(step[0] < aside for step in changed)


@pytest.mark.usefixtures("begun")
def test_images_whose_step_is_too_small_are_finished() -> None:
    model, x = curved(), images(3)
    found, counted = _run(model, x, steps=2000, smallest_step=0.02, source_step=0.03)
    assert (counted.queries < 2000).all()
    assert found.steps_used is not None
    assert len(set(counted.queries.tolist())) > 1


def test_budgets_hold_and_smaller_ones_are_beginnings_of_larger_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    marks = (15, 60, 61, 200)
    monkeypatch.setattr(decision, "QUERY_MARKS", marks)
    model, x = curved(), images(4)
    longest, _ = _run(model, x, queries=200, spherical_step=0.1, source_step=0.1)
    assert longest.nearest_after is not None
    assert (longest.nearest_after.diff(dim=1) <= 0).all()
    assert (longest.nearest_after[:, 3] < longest.nearest_after[:, 1]).all()
    for k, queries in enumerate(marks[:3]):
        found, counted = _run(model, x, queries=queries, spherical_step=0.1, source_step=0.1)
        assert found.nearest_after is not None
        assert torch.equal(found.nearest_after, longest.nearest_after[:, : k + 1])
        assert (counted.queries <= queries).all()


@pytest.mark.parametrize(
    "wrong",
    [
        "queries=0",
        "steps=0",
        "spherical_step=0",
        "source_step=1",
        "adaptation=1",
        "tries=0",
        "stop=-1",
        "norm=Linf",
    ],
)
def test_arguments_that_mean_nothing_are_refused(wrong: str) -> None:
    with pytest.raises(UsageError, match=wrong.split("=")[0]):
        stress(f"boundary({wrong})")
