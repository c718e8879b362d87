"""Resizing in linear light: closed forms, and what it does to a resizer that takes bytes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from roadworthy.errors import InapplicableError
from roadworthy.pipeline.base import Pipeline, decode, frame_of, framed, resized, validate
from roadworthy.types import Image


def half(image: Image, **options: str) -> Image:
    """Return an image at half its size, by whole boxes."""
    size = (image.shape[0] // 2, image.shape[1] // 2)
    given = {"resize": "pillow-box", "geometry": "squash", **options}
    return resized(image, Pipeline(size, **given))  # type: ignore[arg-type]


def test_checks_become_as_bright_as_half_the_light() -> None:
    checks = np.zeros((8, 8, 3), np.uint8)
    checks[::2, ::2] = checks[1::2, 1::2] = 255
    assert (half(checks) == 128).all()
    assert (half(checks, light="linear") == 188).all()  # 255 (1.055 * 0.5 ** (1 / 2.4) - 0.055)


def test_two_levels_have_the_mean_of_their_lights() -> None:
    rng = np.random.default_rng(2)
    image = rng.integers(0, 256, (6, 10, 3), dtype=np.uint8)
    level = image / 255.0
    light = np.where(level <= 0.04045, level / 12.92, ((level + 0.055) / 1.055) ** 2.4)
    mean = light.reshape(3, 2, 5, 2, 3).mean((1, 3))
    back = np.where(mean <= 0.0031308, 12.92 * mean, 1.055 * mean ** (1 / 2.4) - 0.055)
    for resizer in ("pillow-box", "opencv-area"):
        ours = half(image, light="linear", resize=resizer)
        assert np.abs(ours - 255 * back).max() <= 0.51


@pytest.mark.parametrize("resize", ["pillow-lanczos", "opencv-cubic", "pillow-nearest"])
def test_every_level_survives_where_nothing_mixes(resize: str) -> None:
    plain = np.repeat(np.arange(256, dtype=np.uint8), 3).reshape(1, 256, 3)
    for level in (0, 1, 10, 11, 128, 254, 255):
        flat = np.full((9, 7, 3), level, np.uint8)
        size = Pipeline((5, 4), geometry="squash", resize=resize, light="linear")
        assert (resized(flat, size) == level).all()
    grown = Pipeline((3, 256), geometry="squash", resize="pillow-nearest", light="linear")
    assert np.array_equal(resized(plain, grown)[1], plain[0])


def test_overshoot_is_cut_off() -> None:
    edge = np.zeros((12, 12, 3), np.uint8)
    edge[:, 6:] = 255
    size = Pipeline((17, 17), geometry="squash", resize="opencv-cubic", light="linear")
    result = resized(edge, size)
    assert result.min() == 0
    assert result.max() == 255
    assert result[8, 0, 0] == 0
    assert result[8, -1, 0] == 255


def test_encoded_light_is_the_plain_resize() -> None:
    image = np.random.default_rng(3).integers(0, 256, (20, 22, 3), dtype=np.uint8)
    assert np.array_equal(half(image), half(image, light="encoded"))
    assert not np.array_equal(half(image), half(image, light="linear"))


@pytest.mark.parametrize("more", [{"light": "linear"}, {"yuv": "nv12-bt601-limited"}, {}])
def test_a_frame_made_at_once_is_the_same(more: dict[str, str]) -> None:
    image = np.random.default_rng(5).integers(0, 256, (60, 84, 3), dtype=np.uint8)
    pipeline = Pipeline((24, 24), resize_to=30, **more)  # type: ignore[arg-type]
    assert np.array_equal(frame_of(image, pipeline), framed(resized(image, pipeline), pipeline))


def test_a_resizer_of_bytes_cannot() -> None:
    for name in ("torchvision-bilinear", "swscale-point"):
        with pytest.raises(InapplicableError, match=f"pillow and opencv; {name} takes bytes"):
            validate(Pipeline((8, 8), resize=name, light="linear"))


@pytest.mark.shared
def test_its_size_on_photographs(shared: Path) -> None:
    files = sorted((shared / "data/imagenet_sample/images").iterdir())[::20]
    plain, linear = (Pipeline((224, 224), resize_to=256, light=n) for n in ("encoded", "linear"))
    found = []
    for file in files:
        image = decode(file.read_bytes(), plain, name="x")
        found.append(np.abs(resized(image, plain).astype(int) - resized(image, linear)).mean())
    assert 0.7 < np.mean(found) < 2.2  # 1.45 with other software on other photographs
