"""A model behind contrast-limited adaptive histogram equalisation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_networks import Means

from roadworthy.errors import RoadworthyError, UsageError
from roadworthy.models.equalise import Clahe, equalised, equalising
from roadworthy.models.front import Fronted
from roadworthy.models.load import load
from roadworthy.models.precision import in_precision
from roadworthy.models.wrap import wrap
from roadworthy.types import Classes, Image, Need


def picture(low: int, high: int, side: int = 64) -> Image:
    return np.random.default_rng(0).integers(low, high, (side, side, 3), np.uint8)


def batch(*images: Image) -> torch.Tensor:
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float() / 255.0


def test_one_tile_without_a_limit_is_histogram_equalisation_of_the_luma() -> None:
    image = picture(100, 140)
    luma = np.floor(image @ np.array([0.299, 0.587, 0.114]) + 0.5).astype(int)
    share = np.cumsum(np.bincount(luma.ravel(), minlength=256)) / luma.size
    change = np.rint(255 * share)[luma] - luma
    expected = np.clip(image + change[..., None], 0, 255)
    # The luma of OpenCV is in fixed point: on a few pixels it is one level off.
    off = np.abs(equalised(image, 1e6, 1) - expected) > 0
    assert off.mean() < 0.02
    assert np.abs(change).max() > 90


def test_the_limit_keeps_contrast_down_and_tiles_work_each_by_itself() -> None:
    image = picture(100, 140)
    little, much = equalised(image, 1.5, 8), equalised(image, 40.0, 8)
    assert image.std() < little.std() < much.std()
    halves = np.concatenate([picture(20, 40), picture(200, 220)], axis=1)
    whole, local = equalised(halves, 40.0, 1), equalised(halves, 40.0, 8)
    # One histogram stretches the pair as a whole, tiles stretch either half to the full range.
    assert np.ptp(whole[:, :56].mean(-1)) < 150
    assert np.ptp(local[:, :56].mean(-1)) > 180


def test_colour_differences_stay() -> None:
    image = picture(100, 140)
    image[..., 0] += 20
    moved = equalised(image, 2.0, 4).astype(int)
    inside = ((moved > 0) & (moved < 255)).all(-1)
    assert inside.mean() > 0.9
    assert np.array_equal(np.diff(moved)[inside], np.diff(image.astype(int))[inside])


def test_values_out_of_range_are_clipped_and_do_not_wrap() -> None:
    image = picture(100, 140)
    image[..., 0] += 110
    moved = equalised(image, 1e6, 1)
    brighter = moved[..., 1] > image[..., 1] + 60
    assert brighter.mean() > 0.1
    assert (moved[brighter, 0] == 255).all()


def test_the_model_judges_what_comes_out() -> None:
    inner = wrap(Means(3), size=64, name="m", classes=Classes(3))
    images = picture(100, 140), picture(0, 200)
    model = equalising(inner, 3.0, 4)
    expected = inner.logits(batch(*(equalised(image, 3.0, 4) for image in images)))
    torch.testing.assert_close(model.logits(batch(*images)), expected)
    assert not torch.allclose(model.logits(batch(*images)), inner.logits(batch(*images)))
    assert model.pipeline == inner.pipeline
    assert model.logits(batch(*images)[:0]).shape == (0, 3)


def test_the_input_is_rounded_to_8_bits_first() -> None:
    model = equalising(wrap(Means(3)), 2.0, 4)
    x = batch(picture(100, 140))
    assert torch.equal(model.logits(x + 0.4 / 255), model.logits(x))
    assert torch.equal(model.logits(x - 0.4 / 255), model.logits(x))


def test_it_gives_no_gradient_and_leaves_the_input_as_it_is() -> None:
    inner = wrap(Means(3))
    model = equalising(inner, 2.0, 8)
    assert model.gives == inner.gives - {Need.GRADIENT}
    assert Need.LOGITS in model.gives
    x = batch(picture(100, 140)).requires_grad_()
    before = x.detach().clone()
    model.logits(x)
    assert torch.equal(x, before)


def test_its_identity_covers_model_and_parameters() -> None:
    a, b = wrap(Means(3), name="a"), wrap(Means(4), name="b")
    ids = {equalising(m, c, t).id for m in (a, b) for c in (2.0, 2.5) for t in (4, 8)}
    assert len(ids) == 8
    assert equalising(a, 2.0, 8).id != equalising(a, 2.000_000_1, 8).id
    assert equalising(a, 2.0, 8).id == equalising(a, 2.0, 8).id


def test_it_is_loaded_from_its_text_and_changes_precision_inside(tmp_path: Path) -> None:
    nets = tmp_path / "nets.py"
    nets.write_text(
        "import torch\n\ndef net(classes=3):\n"
        "    return torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), "
        "torch.nn.Linear(3, classes))\n"
    )
    model = load(f"clahe( torch:{nets}:net(size=16), tiles=4, clip=2)")
    assert isinstance(model, Fronted)
    assert model.spec == repr(model) == f"clahe(torch:{nets}:net(size=16), tiles=4)"
    assert model.step == Clahe(2.0, 4)
    assert model.pipeline.size == (16, 16)
    assert load(model.spec).id == model.id
    halved = in_precision(model, "bf16")
    assert isinstance(halved, Fronted)
    assert halved.members[0].precision == "bf16"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("clip", "tiles", "match"),
    [
        (0.0, 8, "clip is above 0"),
        (float("nan"), 8, "clip is above 0"),
        (2.0, 0, "tiles is 1 to 64"),
        (2.0, 65, "tiles is 1 to 64 a side, not 65"),
    ],
)
def test_senseless_parameters_are_refused(clip: float, tiles: int, match: str) -> None:
    with pytest.raises(UsageError, match=match):
        equalising(wrap(Means(3)), clip, tiles)


def test_a_frame_smaller_than_its_tiles_is_refused() -> None:
    model = equalising(wrap(Means(3)), 2.0, 8)
    with pytest.raises(RoadworthyError, match="7x7 pixels has no room for 8 tiles"):
        model.logits(torch.rand(1, 3, 7, 7))
    assert model.logits(torch.rand(1, 3, 8, 9)).shape == (1, 3)
