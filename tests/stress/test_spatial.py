"""The worst of rotations and shifts: the moves themselves against closed forms, and the search."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from attack_world import Tried, attacked, pictures
from boundary_world import Bare, curved, draws
from engine_world import colour_net, write_pictures
from torch import Tensor

import roadworthy as rw
from roadworthy.metrics.catalogue import evaluate_all
from roadworthy.stress._attacks.moves import Padding, drawn_moves, grid_moves, moved
from roadworthy.stress.bound import stress


def turned(x: Tensor, move: list[float], padding: Padding = "zeros") -> Tensor:
    return moved(x, np.array([move]), padding)


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_quarter_turns_go_against_the_clock_and_lose_nothing(quarters: int) -> None:
    x = pictures(2, shape=(3, 6, 6))
    expected = torch.rot90(x, quarters, (2, 3))
    angle = (90.0 * quarters + 180.0) % 360.0 - 180.0
    torch.testing.assert_close(turned(x, [angle, 0, 0]), expected, rtol=0, atol=1e-12)


def test_shifts_are_parts_of_the_frame_and_leave_black_behind() -> None:
    x = pictures(2, shape=(3, 6, 8))
    found = turned(x, [0.0, 1 / 8, -2 / 6])
    torch.testing.assert_close(found[..., :4, 1:], x[..., 2:, :7], rtol=0, atol=1e-12)
    assert (found[..., 4:, :] == 0).all()
    assert (found[..., :1] == 0).all()
    mirrored = turned(x, [0.0, 1 / 8, 0], "reflection")
    torch.testing.assert_close(mirrored[..., 1:], x[..., :7], rtol=0, atol=1e-12)
    torch.testing.assert_close(mirrored[..., 0], x[..., 0], rtol=0, atol=1e-12)


def test_a_slope_turns_by_the_angle_on_a_frame_that_is_no_square() -> None:
    # Bilinear sampling is exact on a plane: what comes from inside the frame has a closed form.
    down, right = np.mgrid[:9, :15]
    across, along = right - 7.0, down - 4.0
    x = torch.from_numpy(0.5 + 0.02 * across + 0.03 * along)[None, None]
    angle = np.radians(25.0)
    back = np.cos(angle) * across - np.sin(angle) * along
    back_down = np.sin(angle) * across + np.cos(angle) * along
    inside = (np.abs(back) <= 7) & (np.abs(back_down) <= 4)
    expected = 0.5 + 0.02 * back + 0.03 * back_down
    found = turned(x, [25.0, 0, 0])[0, 0].numpy()
    np.testing.assert_allclose(found[inside], expected[inside], atol=1e-12)
    assert inside.sum() > 40
    # The shift comes after the turn, along the frame's own axes.
    both = turned(x, [25.0, 1 / 15, 0])[0, 0].numpy()
    np.testing.assert_allclose(both[:, 1:][inside[:, :-1]], expected[:, :-1][inside[:, :-1]])


def test_a_grid_goes_from_end_to_end_through_nothing() -> None:
    found = grid_moves(30.0, 0.1, 7, 3)
    assert len(found) == 63
    assert sorted(set(found.values[:, 0, 0])) == [-30.0, -20.0, -10.0, 0.0, 10.0, 20.0, 30.0]
    assert (
        sorted(set(found.values[:, 0, 1])) == sorted(set(found.values[:, 0, 2])) == [-0.1, 0, 0.1]
    )
    assert len(np.unique(found.values[:, 0], axis=0)) == 63
    assert grid_moves(30.0, 0.1, 1, 1).values.tolist() == [[[0.0, 0.0, 0.0]]]


def test_draws_differ_by_image_fill_the_range_and_begin_alike() -> None:
    many, few = (drawn_moves(30.0, 0.1, count, draws(3)).values for count in (400, 5))
    assert many.shape == (400, 3, 3)
    np.testing.assert_array_equal(many[:5], few)
    assert not np.allclose(many[:, 0], many[:, 1])
    largest = np.array([30.0, 0.1, 0.1])
    assert (np.abs(many) <= largest).all()
    np.testing.assert_allclose(many.max((0, 1)), largest, rtol=0.03)
    np.testing.assert_allclose(many.min((0, 1)), -largest, rtol=0.03)
    np.testing.assert_allclose(many.mean((0, 1)) / largest, 0, atol=0.1)


def labels(model: Bare, x: Tensor) -> Tensor:
    return model.function(x).argmax(1)


def test_a_grid_of_nothing_is_the_clean_image_bit_for_bit() -> None:
    x = pictures(4).float()
    found = attacked("spatial(grid=(1, 1))", curved(dtype=torch.float32), x, torch.zeros(4).long())
    assert torch.equal(found.x, x)
    assert found.counted.forwards.tolist() == [1] * 4
    odd = pictures(2, shape=(3, 33, 47)).float()  # where places in the frame are rounded
    assert torch.equal(turned(odd, [0.0, 0, 0]), odd)


def middle(channel: int = 0) -> Bare:
    """A model of the pixel in the middle, which no rotation moves."""
    return Bare(lambda x: torch.stack([x[:, channel, 2, 2], 1 - x[:, channel, 2, 2]], dim=1))


def test_a_model_that_rotations_do_not_change_is_never_fooled() -> None:
    x = pictures(6, shape=(3, 5, 5))
    for spec in ("spatial(grid=(31, 1), rotation=180)", "spatial(draws=40, translation=0)"):
        found = attacked(spec, middle(), x, labels(middle(), x))
        assert not found.reached.any()
        assert found.found.broken_by == (None,) * 6
    found = attacked("spatial(rotation=0)", middle(), x, labels(middle(), x))
    assert found.reached.any()  # shifts do


def literally(model: Bare, x: Tensor, y: Tensor) -> tuple[list[int], list[int]]:
    """Return how many of the default moves fool the model, and the number of the first, by image."""
    values = grid_moves(30.0, 0.1, 5, 5).values
    wrong = np.array([(labels(model, moved(x, v, "zeros")) != y).tolist() for v in values])
    first = [int(np.flatnonzero(w)[0]) + 1 if w.any() else -1 for w in wrong.T]
    return wrong.sum(0).tolist(), first


def sure() -> Bare:
    """A model that few moves fool: it tells where the upper left is brighter than the rest."""

    def logits(x: Tensor) -> Tensor:
        inside = x[:, 0, 1:3, 1:3].mean((1, 2))
        return torch.stack([inside, x[:, 1, 1:3, 1:3].mean((1, 2)), 0.45 + 0 * inside], dim=1)

    return Bare(logits)


@pytest.mark.parametrize("stop", ["success", "never"])
def test_it_succeeds_where_any_move_does_and_says_which_was_first(stop: str) -> None:
    model, x = sure(), pictures(24, shape=(3, 4, 4))
    y = labels(model, x)
    wrong, first = literally(model, x, y)
    assert 0 in wrong
    assert max(wrong) > 0
    found = attacked(f"spatial(stop={stop})", model, x, y)
    assert found.reached.tolist() == [count > 0 for count in wrong]
    assert found.found.step_success is not None
    assert found.found.step_success.tolist() == first
    asked = [125 if stop == "never" or f < 0 else f for f in first]
    assert found.counted.forwards.tolist() == asked
    assert found.found.steps_used is not None
    assert found.found.steps_used.tolist() == asked
    assert found.counted.backwards.tolist() == [0] * 24


def margins(found: Tried) -> Tensor:
    assert isinstance(found.counted.model, Bare)
    logits = found.counted.model.function(found.x)
    own = logits.gather(1, found.goal.labels[:, None]).squeeze(1)
    others = logits.scatter(1, found.goal.labels[:, None], -torch.inf).amax(1)
    return others - own


def test_without_stopping_the_worst_of_all_moves_is_kept_and_named() -> None:
    model, x = sure(), pictures(24, shape=(3, 4, 4))
    found = attacked("spatial(stop=never)", model, x, labels(model, x))
    values = grid_moves(30.0, 0.1, 5, 5).values
    every = torch.stack(
        [margins(Tried(found.stress, x, found.goal, type(found.found)(moved(x, v, "zeros")),
                       found.counted)) for v in values]
    )  # fmt: skip
    torch.testing.assert_close(margins(found), every.amax(0))
    assert found.found.broken_by is not None
    for image in found.reached.nonzero().flatten().tolist():
        degrees, right, down = values[int(every[:, image].argmax()), 0]
        assert found.found.broken_by[image] == (
            f"rotation={degrees:g},right={right:g},down={down:g}"
        )


def test_labels_alone_fool_the_same_images() -> None:
    model, x = sure(), pictures(24, shape=(3, 4, 4))

    def only(x: Tensor) -> Tensor:
        logits = model.function(x)
        return torch.zeros_like(logits).scatter(1, logits.argmax(1, keepdim=True), 1.0)

    for stop in ("never", "success"):
        one, other = (
            attacked(f"spatial(draws=30, stop={stop})", m, x, labels(model, x))
            for m in (model, Bare(only))
        )
        assert one.reached.tolist() == other.reached.tolist()
        assert 0 < one.reached.sum() < 24


def test_a_target_has_to_be_reached() -> None:
    model, x = sure(), pictures(24, shape=(3, 4, 4))
    y = labels(model, x)
    found = attacked("spatial(stop=never)", model, x, y, targets=(y + 1) % 3)
    assert (labels(model, found.x)[found.reached] == ((y + 1) % 3)[found.reached]).all()
    assert 0 < found.reached.sum() < attacked("spatial", model, x, y).reached.sum()


def test_a_run_judges_it_as_an_attack_without_a_norm(tmp_path: Path) -> None:
    data = f"imagefolder:{write_pictures(tmp_path / 'pictures', each=4)}"
    rows = rw.evaluate(colour_net(), data, ["clean", "spatial"], out=tmp_path / "out").rows()
    clean = rows.filter(pl.col("stress") == "clean")
    rows = rows.filter(pl.col("stress") == "spatial")
    assert rows["norm"].drop_nulls().unique().to_list() == ["spatial"]
    assert rows["eps"].is_null().all()
    tried = rows.filter(pl.col("status") == "ok")
    assert tried["broken_by"].is_not_null().to_list() == tried["success"].to_list()
    found = {metric.name: estimate.value for metric, estimate in evaluate_all(rows, clean)}
    assert {"robust_top1", "success_rate"} <= set(found)
    assert not any(name.startswith("median_l") for name in found)
    kept = (rows["status"] == "ok") & ~rows["success"].fill_null(value=True)
    assert found["robust_top1"] == pytest.approx(100 * kept.mean())  # type: ignore[operator]


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("spatial(rotation=-1)", "rotation is 0 to 180 degrees, not -1"),
        ("spatial(rotation=200)", "rotation is 0 to 180 degrees, not 200"),
        ("spatial(translation=3)", "translation is a part of the frame, 0 to 1, not 3"),
        ("spatial(grid=(3, 3), draws=4)", "either grid or draws, not both"),
        ("spatial(grid=(0, 3))", "grid is 1 or more"),
        ("spatial(draws=0)", "draws must be at least 1, not 0"),
        ("eps_search(spatial)", "has no budget in a norm"),
        ("cascade(spatial, eps=0.1)", "has no budget in a norm"),
    ],
)
def test_what_means_nothing_is_refused(spec: str, said: str) -> None:
    with pytest.raises(rw.UsageError, match=said):
        stress(spec)
