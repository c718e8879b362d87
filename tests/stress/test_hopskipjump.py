"""HopSkipJump against closed forms and literal loops."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from attack_world import Tried, attacked
from boundary_world import SHAPE, Bare, curved, draws, goal_of, linear
from torch import Tensor

from roadworthy.errors import UsageError
from roadworthy.models.counted import Counted
from roadworthy.stress._attacks import decision
from roadworthy.stress._attacks.boundary_normal import boundary_normal
from roadworthy.stress._attacks.decision import Decisions
from roadworthy.stress._norms import GEOMETRIES
from roadworthy.stress.attacks.hopskipjump import _jumped as jumped
from roadworthy.stress.bound import stress
from roadworthy.stress.norm_names import Norm

D = math.prod(SHAPE)


def _images(count: int, *, spread: float = 0.3) -> Tensor:
    generator = torch.Generator().manual_seed(2)
    drawn = torch.rand((count, *SHAPE), generator=generator, dtype=torch.float64)
    return (drawn - 0.5) * spread + 0.5


def _plane(gap: float = 1.5) -> tuple[Bare, Tensor]:
    """A linear model whose boundary is away from the faces of the box, and its normal."""
    generator = torch.Generator().manual_seed(4)
    weight = torch.randn((2, *SHAPE), generator=generator, dtype=torch.float64)
    offset = -0.5 * weight.sum((1, 2, 3)) + torch.tensor([gap, 0.0], dtype=torch.float64)
    return linear(weight, offset), weight[1] - weight[0]


def _tried(spec: str, model: Bare, x: Tensor, **given: object) -> Tried:
    return attacked(spec, model, x, model.function(x).argmax(1), **given)  # type: ignore[arg-type]


@pytest.mark.parametrize(("norm", "dual"), [("L2", 2), ("Linf", 1)])
def test_2000_queries_come_within_a_tenth_of_the_distance_of_a_plane(norm: str, dual: int) -> None:
    model, normal = _plane()
    x = _images(5)
    tried = _tried(f"hopskipjump(norm={norm}, queries=2000)", model, x)
    gap = model.function(x).diff(dim=1).squeeze(1).abs()
    exact = gap / torch.linalg.vector_norm(normal.flatten(), dual)
    assert tried.reached.all()
    assert (tried.size >= exact).all()
    assert (tried.size <= 1.1 * exact).all(), tried.size / exact
    assert (tried.counted.queries <= 2000).all()


def _on_boundary(model: Bare, normal: Tensor, x: Tensor) -> Tensor:
    gap = model.function(x).diff(dim=1).view(-1, 1, 1, 1)
    return x - gap * (1 - 1e-9) / normal.square().sum() * normal


def _at_the_box(model: Bare, normal: Tensor, z: Tensor) -> Tensor:
    """Return a point on the boundary with an element at the face of the box."""
    z, others = z.clone(), normal.clone()
    z[0, 0, 0], others[0, 0, 0] = 1.0, 0.0
    return z - model.function(z[None]).diff() * others / others.square().sum()


def _asking(model: Bare, x: Tensor) -> Decisions:
    return Decisions(Counted(model), x, goal_of(model, x), GEOMETRIES["L2"], queries=10**6)


@pytest.mark.parametrize("shift", [0.0, 0.6])
def test_the_normal_is_the_mean_of_signed_directions_less_the_mean_sign(shift: float) -> None:
    model, normal = _plane()
    x, count, radius = _images(3), 75, 0.1
    away = shift * radius / normal.norm() * normal / math.sqrt(D)
    z = _on_boundary(model, normal, x) + away * (1 if model.function(x)[0].argmax() == 0 else -1)
    z[1] = _at_the_box(model, normal, z[1])  # some probes leave it
    found = boundary_normal(
        _asking(model, x), torch.arange(3), z, torch.full((3,), radius).double(), count, draws(3)
    )
    label = model.function(x).argmax(1)
    for i, one in enumerate(draws(3).each):
        blocks = [one.normal_field((size, *SHAPE)) for size in (32, 32, 11)]
        signs, steps = [], []
        for noise in np.concatenate(blocks).astype(np.float64):
            probe = (z[i].numpy() + radius * noise / np.linalg.norm(noise)).clip(0, 1)
            logits = model.function(torch.from_numpy(probe)[None])[0]
            signs.append(1.0 if int(logits.argmax()) != int(label[i]) else -1.0)
            steps.append((probe - z[i].numpy()) / radius)
        mean = np.mean([(s - np.mean(signs)) * u for s, u in zip(signs, steps, strict=True)], 0)
        assert 0 < abs(np.mean(signs)) < 1
        np.testing.assert_allclose(found[i].numpy(), mean / np.linalg.norm(mean), atol=1e-9)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_where_all_probes_agree_the_direction_is_their_mean(sign: float) -> None:
    model = linear(torch.zeros((2, *SHAPE)).double(), torch.tensor([1.0, 0.0]).double())
    x = _images(1)
    asked = _asking(model, x)
    asked.goal = goal_of(model, x) if sign < 0 else goal_of(model, x).towards(torch.zeros(1).long())
    found = boundary_normal(
        asked, torch.arange(1), x, torch.full((1,), 0.01).double(), 20, draws(1)
    )
    noise = draws(1).each[0].normal_field((20, *SHAPE)).astype(np.float64)
    mean = (noise / np.linalg.norm(noise.reshape(20, -1), axis=1)[:, None, None, None]).mean(0)
    np.testing.assert_allclose(found[0].numpy(), sign * mean / np.linalg.norm(mean), atol=1e-9)


def test_no_block_of_probes_is_asked_about_once_the_time_is_over() -> None:
    model, _ = _plane()
    x, radius = _images(2), torch.full((2,), 0.1).double()
    for seconds, wanted in ((600.0, 75), (1e-9, 0)):
        counted = Counted(model)
        asked = Decisions(
            counted, x, goal_of(model, x), GEOMETRIES["L2"], queries=10**6, seconds=seconds
        )
        asked.ask(torch.arange(2), x)
        boundary_normal(asked, torch.arange(2), x, radius, 75, draws(2))
        assert counted.forwards.tolist() == [wanted + 1] * 2


def test_more_probes_tell_the_normal_better() -> None:
    model, normal = _plane()
    x = _images(6)
    toward = normal * (-model.function(x).diff(dim=1).view(-1, 1, 1, 1)).sign() / normal.norm()
    z, radius = _on_boundary(model, normal, x), torch.full((6,), 0.01).double()
    cosines = []
    for count in (20, 200, 2000):
        found = boundary_normal(_asking(model, x), torch.arange(6), z, radius, count, draws(6))
        cosines.append(float((found * toward).sum((1, 2, 3)).mean()))
    # The mean of n signed directions: E[sign] along the normal is sqrt(2/(pi d)), noise 1/n.
    expected = [1 / math.sqrt(1 + math.pi * (D - 1) / (2 * n)) for n in (20, 200, 2000)]
    assert cosines == pytest.approx(expected, abs=0.08)


def test_steps_take_as_many_probes_as_published_and_jump_by_the_distance_over_root_t() -> None:
    model, _ = _plane()
    x = _images(1)
    tried = _tried("hopskipjump(steps=3, probes=50, most_probes=80)", model, x)
    many = [len(points) for points in model.asked if len(points) > 1]
    assert many == [32, 18, 32, 32, 6, 32, 32, 16]  # 50, 70, and 80 instead of 86
    assert sum(map(len, model.asked)) == int(tried.counted.queries[0]) + 1  # the clean one


def test_jumps_have_the_length_of_the_distance_over_root_t_halved_until_the_goal_is_reached() -> (
    None
):
    model, normal = _plane()
    x = _images(1)
    z = _on_boundary(model, normal, x)
    toward = (z - x) / (z - x).norm()
    aside = torch.zeros_like(x)
    aside[0, 0, 0, 0], aside[0, 0, 0, 1] = normal[0, 0, 1], -normal[0, 0, 0]
    direction = aside / aside.norm() - 0.5 * toward  # misses it, less the shorter it is
    asked, z = _asking(model, x), z + 0.01 * toward
    model.asked.clear()
    found = jumped(asked, torch.arange(1), z, direction, step=4)
    lengths = [float(((p - z) / direction)[0, 0, 0, 0]) for p in model.asked]
    first = float((z - x).norm()) / 2
    assert len(lengths) > 1
    assert lengths == pytest.approx([first / 2**k for k in range(len(lengths))])
    assert torch.equal(found, model.asked[-1])
    assert lengths[-1] < 0.01 / 0.5 < lengths[-2]
    away = jumped(asked, torch.arange(1), z, -toward, step=4)
    assert torch.equal(away, model.asked[-1])  # in the end it is too short to miss
    missing = jumped(asked, torch.arange(1), z - 0.1 * toward, -toward, step=4)
    assert torch.equal(missing, z - 0.1 * toward)  # and here it never reaches it


def test_budgets_hold_and_smaller_ones_are_beginnings_of_larger_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    marks = (20, 120, 300, 700)
    monkeypatch.setattr(decision, "QUERY_MARKS", marks)
    model, x = curved(), _images(5, spread=1.0)
    longest = _tried("hopskipjump(queries=700, probes=20)", model, x).found.nearest_after
    assert longest is not None
    assert (longest.diff(dim=1) <= 0).all()
    assert (longest[:, -1] < longest[:, 0]).all()
    for k, queries in enumerate(marks):
        tried = _tried(f"hopskipjump(queries={queries}, probes=20)", model, x)
        assert tried.found.nearest_after is not None
        assert torch.equal(tried.found.nearest_after, longest[:, : k + 1])
        assert (tried.counted.queries <= queries).all()
        found = tried.reached
        torch.testing.assert_close(tried.size[found], longest[found, k], rtol=2e-4, atol=0)


def test_the_label_alone_gives_the_same() -> None:
    model, x = curved(), _images(4, spread=1.0)

    def label(z: Tensor) -> Tensor:
        return torch.nn.functional.one_hot(model.function(z).argmax(1), 5).double()

    for norm in ("L2", "Linf"):
        spec = f"hopskipjump(norm={norm}, queries=250, probes=20)"
        assert torch.equal(_tried(spec, model, x).x, _tried(spec, Bare(label), x).x)


def test_how_many_images_go_at_once_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    model, x = curved(), _images(5, spread=1.0)
    spec = "hopskipjump(queries=250, probes=40)"
    whole = _tried(spec, model, x).x
    monkeypatch.setattr(decision, "AT_ONCE", 2)
    assert torch.equal(_tried(spec, model, x).x, whole)


@pytest.mark.parametrize("norm", ["L2", "Linf"])
def test_a_model_of_float32_images_is_found_near_its_boundary(norm: Norm) -> None:
    model, _ = _plane()
    single = Bare(lambda z: model.function(z.double()).float())
    x = _images(4).float()
    tried = _tried(f"hopskipjump(norm={norm}, queries=1500)", single, x)
    exact = _tried(f"hopskipjump(norm={norm}, queries=1500)", model, x.double())
    assert tried.reached.all()
    assert (tried.size / exact.size.float() - 1).abs().max() < 0.05


def test_images_that_are_near_enough_stop() -> None:
    model, x = curved(), _images(5, spread=1.0)
    far = _tried("hopskipjump(queries=400, probes=20)", model, x)
    enough = float(far.size.median()) * 1.3
    tried = _tried(f"hopskipjump(queries=400, probes=20, stop={enough})", model, x)
    near = far.size <= enough
    assert (tried.size[near] <= enough * 1.001).all()
    assert (tried.counted.queries <= far.counted.queries).all()
    assert tried.counted.queries.sum() < far.counted.queries.sum()
    assert torch.equal(tried.x[~near], far.x[~near])


@pytest.mark.parametrize(
    "wrong",
    [
        "queries=0",
        "queries=1",
        "steps=0",
        "probes=0",
        "probes=20_000",
        "gamma=0",
        "tries=0",
        "stop=-1",
        "seconds=0",
        "start=nowhere",
        "norm=L1",
    ],
)
def test_arguments_that_mean_nothing_are_refused(wrong: str) -> None:
    with pytest.raises(UsageError, match=wrong.split("=")[0]):
        stress(f"hopskipjump({wrong.replace('_', '')})")
