"""Patches: where they lie, what they leave alone, and the best one on a model that is linear."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from attack_world import attacked, pictures
from boundary_world import Bare, curved, draws, linear
from engine_world import colour_net, write_pictures
from torch import Tensor

import roadworthy as rw
from roadworthy.metrics.catalogue import evaluate_all
from roadworthy.stress._attacks.squares import drawn_corners, grid_corners, inside, side_of
from roadworthy.stress.bound import stress

SHAPE = (3, 4, 4)


@pytest.mark.parametrize(
    ("area", "frame", "side"),
    [
        (0.05, (32, 32), 7),  # 49 of 1024 pixels, the nearest to 51.2
        (0.06, (32, 32), 8),  # of a side of 7.8
        (0.25, (224, 224), 112),
        (1.0, (10, 10), 10),
        (1.0, (10, 20), 10),  # the largest square that there is
        (0.001, (4, 4), 1),
        (0.02, (100, 200), 20),
    ],
)
def test_the_side_belongs_to_the_area(area: float, frame: tuple[int, int], side: int) -> None:
    assert side_of(area, *frame) == side


def test_places_are_drawn_for_each_image_over_the_whole_frame() -> None:
    found = drawn_corners(3, 5, 6, draws(3000))
    counts = np.zeros((3, 4))
    np.add.at(counts, tuple(found.T), 1)
    assert (np.abs(counts - 250) < 5 * np.sqrt(250)).all()


def test_places_of_a_grid_reach_the_edges() -> None:
    assert [c.tolist()[0] for c in grid_corners(2, 6, 8, 3)] == [
        [top, left] for top in (0, 2, 4) for left in (0, 3, 6)
    ]
    assert grid_corners(2, 6, 8, 1)[0].tolist() == [[2, 3]]
    mask = inside(np.array([[1, 2], [0, 4]]), 2, torch.zeros(2, 3, 4, 6))
    expected = torch.zeros(2, 1, 4, 6, dtype=torch.bool)
    expected[0, :, 1:3, 2:4] = True
    expected[1, :, 0:2, 4:6] = True
    assert torch.equal(mask, expected)


def labels(model: Bare, x: Tensor) -> Tensor:
    return model.function(x).argmax(1)


@pytest.mark.parametrize("area", [0.1, 0.3, 0.6])
@pytest.mark.parametrize("more", ["", ", start=none", ", restarts=3, stop=success", ", grid=2"])
def test_no_pixel_outside_one_square_changes(area: float, more: str) -> None:
    x = pictures(9, shape=(3, 7, 5))
    weight = torch.randn((3, 3, 7, 5), generator=torch.Generator().manual_seed(3)).double()
    model = linear(weight, torch.tensor([0.0, 0.2, 0.1]).double())
    found = attacked(f"patch(area={area}, steps=4{more})", model, x, labels(model, x))
    side = side_of(area, 7, 5)
    assert (found.x != x).any(1).flatten(1).any(1).sum() >= 7
    for changed in (found.x != x).any(1):
        rows, columns = changed.nonzero().T if changed.any() else (torch.zeros(1),) * 2
        assert rows.max() - rows.min() < side
        assert columns.max() - columns.min() < side
    assert ((found.x >= 0) & (found.x <= 1)).all()


def two(seed: int = 1) -> tuple[Bare, Tensor, Tensor]:
    """A linear model of two classes and the difference of its weights."""
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randn((2, *SHAPE), generator=generator, dtype=torch.float64)
    return linear(weight, torch.zeros(2).double()), weight[1] - weight[0], weight


def best_margin(x: Tensor, y: Tensor, slope: Tensor, top: int, left: int, side: int) -> Tensor:
    """Return the largest lead of the other class that a patch there can give: each element at 0 or 1."""
    towards = torch.where(y.view(-1, 1, 1, 1) == 0, slope, -slope)
    mask = torch.zeros(4, 4, dtype=torch.bool)
    mask[top : top + side, left : left + side] = True
    return (torch.where(mask, (towards > 0).double(), x) * towards).sum((1, 2, 3))


def test_on_a_linear_model_it_finds_the_best_patch_there_is() -> None:
    model, slope, _ = two()
    x = pictures(12, shape=SHAPE)
    y = labels(model, x)
    found = attacked("patch(area=0.25, grid=1, steps=10, step=0.11)", model, x, y)
    own = found.counted.model.logits(found.x)
    lead = (own[:, 1] - own[:, 0]) * torch.where(y == 0, 1.0, -1.0)
    torch.testing.assert_close(lead, best_margin(x, y, slope, 1, 1, 2))


def test_a_grid_succeeds_where_any_place_can() -> None:
    model, slope, _ = two(seed=2)
    x = pictures(40, seed=3, shape=SHAPE)
    y = labels(model, x)
    places = [(top, left) for top in range(4) for left in range(4)]
    can = torch.stack([best_margin(x, y, slope, *place, 1) > 0 for place in places])
    found = attacked("patch(area=0.06, grid=4, steps=10, step=0.11)", model, x, y)
    assert torch.equal(found.reached, can.any(0))
    assert 5 < found.reached.sum() < 35
    assert found.found.broken_by is not None
    for image, name in enumerate(found.found.broken_by):
        if can[:, image].any():
            first = int(can[:, image].to(torch.uint8).argmax())
            assert name == f"top={places[first][0]},left={places[first][1]}"
            assert found.counted.forwards[image] == 11 * (first + 1)
            assert found.counted.backwards[image] == 10 * (first + 1)
        else:
            assert name is None


def test_steps_are_of_the_size_that_is_asked_for() -> None:
    model, slope, _ = two()
    x = pictures(6, shape=SHAPE) * 0.2 + 0.4
    y = labels(model, x)
    towards = torch.where(y.view(-1, 1, 1, 1) == 0, slope, -slope).sign()
    for given, size in (("step=0.02", 0.04), ("relative_step=0.1", 0.1), ("steps=25", 0.2)):
        steps = "" if "steps" in given else ", steps=2"
        found = attacked(f"patch(area=1, start=none, {given}{steps})", model, x, y)
        expected = (x + towards * (size if size != 0.2 else 2.5)).clamp(0, 1)
        torch.testing.assert_close(found.x, expected)


def test_random_starts_differ_and_restarts_go_elsewhere() -> None:
    model, _, _ = two(seed=2)
    x = pictures(40, seed=3, shape=SHAPE)
    y = labels(model, x)
    broken = [
        attacked(f"patch(area=0.06, steps=10, step=0.11, restarts={n})", model, x, y).reached
        for n in (1, 4, 40)
    ]
    assert (broken[0] & ~broken[1]).sum() == (broken[1] & ~broken[2]).sum() == 0
    assert broken[0].sum() < broken[1].sum() < broken[2].sum()
    # With places enough it finds about what a search of all of them finds: each is missed by 1 in 13.
    everywhere = attacked("patch(area=0.06, grid=4, steps=10, step=0.11)", model, x, y).reached
    assert not (broken[2] & ~everywhere).any()
    assert (everywhere & ~broken[2]).sum() <= 2


def test_a_larger_patch_and_stopping_break_no_fewer() -> None:
    model, x = curved(), pictures(20)
    y = labels(model, x)
    broken = [
        int(attacked(f"patch(area={a}, steps=10, grid=1)", model, x * 1, y).reached.sum())
        for a in (0.06, 0.25, 1.0)
    ]
    assert broken == sorted(broken)
    stopped = attacked("patch(area=0.25, steps=10, stop=success)", model, x, y)
    success = stopped.found.step_success
    assert success is not None
    assert (success[stopped.reached] >= -1).all()
    assert (stopped.counted.backwards <= 10).all()
    assert stopped.counted.backwards.sum() < 200


def test_targets_are_reached_or_not() -> None:
    model, x = curved(), pictures(12)
    y = labels(model, x)
    found = attacked("patch(area=0.6, steps=20)", model, x, y, targets=(y + 1) % 5)
    assert found.reached.any()
    assert torch.equal(found.reached, labels(model, found.x) == (y + 1) % 5)


def test_a_run_has_a_variant_for_each_area(tmp_path: Path) -> None:
    data = f"imagefolder:{write_pictures(tmp_path / 'pictures', each=4)}"
    specs = ["clean", "patch(area=[0.02, 0.5], steps=5)"]
    rows = rw.evaluate(colour_net(), data, specs, out=tmp_path / "out").rows()
    clean = rows.filter(pl.col("stress") == "clean")
    share = {}
    for area in ("0.02", "0.5"):
        part = rows.filter(pl.col("variant") == f"area={area}")
        assert part["norm"].drop_nulls().unique().to_list() == ["patch"]
        tried = part.filter(pl.col("status") == "ok")
        assert (tried["l0"] <= 3 * side_of(float(area), 16, 16) ** 2).all()
        share[area] = {m.name: e.value for m, e in evaluate_all(part, clean)}["success_rate"]
    assert share["0.02"] is not None
    assert share["0.5"] is not None
    assert share["0.02"] < share["0.5"] == 100.0


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("patch(area=0)", "area is a part of the frame"),
        ("patch(area=1.5)", "area is a part of the frame"),
        ("patch(grid=0)", "grid is 1 or more places"),
        ("patch(steps=0)", "steps must be at least 1"),
        ("patch(restarts=0)", "restarts must be at least 1"),
        ("patch(step=1, relative_step=1)", "give either step"),
        ("patch(eps=0.1)", "no parameter 'eps'"),
    ],
)
def test_a_patch_that_means_nothing_is_refused(spec: str, said: str) -> None:
    with pytest.raises(rw.UsageError, match=said):
        stress(spec)
