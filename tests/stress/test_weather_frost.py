"""Frost: which part of which texture, the generated textures, and folders of originals."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path

import cv2
import numpy as np
import pytest
from golden_chart import chart
from numpy.typing import NDArray
from plain_weather import plain_frost

from roadworthy.errors import UsageError
from roadworthy.stress._textures import bank
from roadworthy.stress._textures.folder import FILES, textures_in
from roadworthy.stress.bound import stress
from roadworthy.stress.corruptions.frost import frost
from roadworthy.stress.draws import FastDraws, ReferenceDraws
from roadworthy.types import Image

WEIGHTS = (0.2, 0.4, 0.2, 0.2)
MEANS = ((78, 149, 166), (201, 205, 215), (138, 153, 165), (112, 123, 135))
DEVIATIONS = ((27, 17, 15), (21, 22, 23), (29, 29, 30), (44, 43, 42))
PERCENTILES = (
    (95, 102, 116, 128, 141, 163, 177),
    (140, 165, 193, 208, 220, 235, 244),
    (81, 102, 132, 150, 167, 196, 231),
    (43, 58, 89, 117, 149, 202, 237),
)
OF_PARTS = (10, 6, 6, 10)
LUMINANCE = np.array([0.299, 0.587, 0.114])
SEVERITIES = ((1.0, 0.4), (0.8, 0.6), (0.7, 0.7), (0.65, 0.7), (0.6, 0.75))


@dataclass(frozen=True)
class InTurn(FastDraws):
    """Draws that take the five textures in turn, so that a thousand parts are enough."""

    turns: Iterator[int] = field(default_factory=lambda: cycle(range(5)))

    def integers(self, low: int, high: int, shape: tuple[int, ...]) -> NDArray[np.int64]:
        if high == 5:
            return np.asarray(next(self.turns))
        return super().integers(low, high, shape)


def reference(seed: int) -> ReferenceDraws:
    return ReferenceDraws(np.random.RandomState(seed))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of five small textures under the published names, all lossless."""
    path = tmp_path_factory.mktemp("textures")
    for index, name in enumerate(FILES):
        draws = np.random.default_rng(index)
        noise = draws.integers(0, 256, (300 + 7 * index, 401 - index, 3), dtype=np.uint8)
        encoded = cv2.imencode(".png", cv2.GaussianBlur(noise, (0, 0), 2)[:, :, ::-1])[1]
        (path / name).write_bytes(encoded.tobytes())
    return path


@pytest.fixture(scope="module")
def textures() -> tuple[Image, ...]:
    five = bank.procedural()
    assert five[1] is five[2]
    return five[0], five[1], five[3], five[4]


@pytest.mark.parametrize(("size", "scale"), [(224, 1.0), (64, 0.3), (32, 0.2)])
def test_frost_of_a_folder_is_the_transcription(size: int, scale: float, folder: Path) -> None:
    originals = textures_in(str(folder))
    if scale != 1:
        originals = tuple(cv2.resize(t, None, fx=scale, fy=scale) for t in originals)
    for seed in range(6):
        state = np.random.RandomState(seed)
        expected = plain_frost(chart(size), (0.7, 0.55), list(originals), state)
        result = frost.function(
            chart(size), 0.7, 0.55, scale, textures=str(folder), rng=reference(seed)
        )
        assert np.array_equal(result, expected)


def test_a_large_frame_shows_the_same_texture_larger(folder: Path) -> None:
    black = np.zeros((448, 448, 3), np.uint8)
    small = frost.function(black[:224, :224], 1, 1, 1.0, textures=str(folder), rng=reference(1))
    large = frost.function(black, 1, 1, 2.0, textures=str(folder), rng=reference(1))
    shrunk = cv2.resize(large, (224, 224), interpolation=cv2.INTER_AREA)
    assert np.abs(shrunk.astype(int) - small).mean() < 2
    assert small.std() > 10


def test_a_frame_that_does_not_fit_takes_the_texture_larger_still(folder: Path) -> None:
    black = np.zeros((224, 2000, 3), np.uint8)
    ice = frost.function(black, 1, 1, 1.0, textures=str(folder), rng=reference(1))
    assert ice.min(axis=(0, 2)).min() > 0  # no column is left bare
    steps = np.abs(np.diff(ice.astype(int), axis=1)).mean()
    narrow = frost.function(black[:, :224], 1, 1, 1.0, textures=str(folder), rng=reference(1))
    assert steps < 0.5 * np.abs(np.diff(narrow.astype(int), axis=1)).mean()


def test_every_texture_is_used_as_often_as_published(monkeypatch: pytest.MonkeyPatch) -> None:
    flat = tuple(np.full((300, 300, 3), 40 * n, np.uint8) for n in range(1, 6))
    module = __import__(frost.function.__module__, fromlist=["procedural"])
    monkeypatch.setattr(module, "procedural", lambda: flat)
    module._texture.cache_clear()
    draws = FastDraws(np.random.Generator(np.random.Philox(2)))
    black = np.zeros((32, 32, 3), np.uint8)
    seen = [int(frost.function(black, 1, 1, 0.2, rng=draws)[0, 0, 0]) for _ in range(1500)]
    module._texture.cache_clear()
    values, counts = np.unique(seen, return_counts=True)
    assert values.tolist() == [40, 80, 120, 160, 200]
    assert np.abs(counts - 300).max() < 75


def test_generated_textures_have_the_published_colours(textures: tuple[Image, ...]) -> None:
    for texture, mean, std, levels in zip(textures, MEANS, DEVIATIONS, PERCENTILES, strict=True):
        assert texture.shape == (600, 900, 3)
        assert texture.mean(axis=(0, 1)) == pytest.approx(mean, abs=1)
        assert texture.std(axis=(0, 1)) == pytest.approx(std, abs=1)
        found = np.percentile(texture @ LUMINANCE, (1, 5, 25, 50, 75, 95, 99))
        assert found == pytest.approx(levels, abs=2.5)


def test_generated_channels_go_together_as_in_the_originals(textures: tuple[Image, ...]) -> None:
    for index, texture in enumerate(textures):
        together = np.asarray(np.corrcoef(texture.reshape(-1, 3).T))
        if index == 0:
            assert (together[0, 1], together[1, 2]) == pytest.approx((0.82, 0.93), abs=0.02)
        else:
            assert together.min() >= 0.99


def test_parts_of_generated_textures_vary_as_the_originals_do(textures: tuple[Image, ...]) -> None:
    for texture, expected in zip(textures, OF_PARTS, strict=True):
        total = np.asarray(cv2.integral(texture @ LUMINANCE))
        parts = total[224:, 224:] - total[:-224, 224:] - total[224:, :-224] + total[:-224, :-224]
        assert (parts / 224**2).std() == pytest.approx(expected, abs=2)


@pytest.mark.parametrize("severity", range(5))
def test_generated_frost_is_as_bright_and_as_strong_as_expected(
    severity: int, textures: tuple[Image, ...]
) -> None:
    """1,000 parts on a flat picture dark enough that nothing clips: a I + b F, and its deviation."""
    image_weight, frost_weight = SEVERITIES[severity]
    draws = InTurn(np.random.Generator(np.random.Philox(severity)))
    image = np.full((224, 224, 3), 40, np.uint8)
    results = [
        frost.function(image, image_weight, frost_weight, 1.0, rng=draws) for _ in range(1000)
    ]
    values = np.stack([r[::8, ::8] for r in results]).astype(float)
    means = np.average(MEANS, axis=0, weights=WEIGHTS)
    squares = np.average(np.square(MEANS) + np.square(DEVIATIONS), axis=0, weights=WEIGHTS)
    expected = image_weight * 40 + frost_weight * means - 0.5  # truncation
    assert values.mean(axis=(0, 1, 2)) == pytest.approx(expected, abs=2)
    deviations = frost_weight * np.sqrt(squares - means**2)
    assert values.std(axis=(0, 1, 2)) == pytest.approx(deviations, abs=2)


def test_generated_textures_are_the_same_every_time(textures: tuple[Image, ...]) -> None:
    again = bank._blue_grey(np.random.Generator(np.random.Philox(key=10)))
    assert np.array_equal(again, textures[2])
    assert not textures[2].flags.writeable


def test_a_folder_that_is_none_is_refused_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=re.escape("is no folder; give one with frost1.png")):
        stress(f'frost(textures="{tmp_path / "nowhere"}")')
    with pytest.raises(UsageError, match=re.escape("has no frost1.png, frost2.png")):
        stress(f'frost(textures="{tmp_path}")')


def test_a_folder_without_one_file_says_which(folder: Path, tmp_path: Path) -> None:
    for name in FILES[:-1]:
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    with pytest.raises(UsageError, match=re.escape("has no frost5.jpg; expected are")):
        stress(f'frost(textures="{tmp_path}")')


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "no picture"), (b"GIF89a, but not really", "no picture"), (None, "of no use")],
)
def test_a_file_that_is_no_texture_is_named(
    content: bytes | None, message: str, folder: Path, tmp_path: Path
) -> None:
    for name in FILES:
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    speck = cv2.imencode(".png", np.zeros((1, 1, 3), np.uint8))[1].tobytes()
    (tmp_path / "frost3.png").write_bytes(speck if content is None else content)
    with pytest.raises(UsageError, match=f"frost3.png' is .*{message}"):
        frost.function(chart(32), 1, 0.2, 0.2, textures=str(tmp_path), rng=reference(0))


def test_the_last_place_of_a_texture_is_never_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    only = np.random.default_rng(0).integers(0, 256, (65, 66, 3), dtype=np.uint8)
    module = __import__(frost.function.__module__, fromlist=["procedural"])
    monkeypatch.setattr(module, "procedural", lambda: (only,) * 5)
    module._texture.cache_clear()
    draws = FastDraws(np.random.Generator(np.random.Philox(2)))
    black = np.zeros((64, 64, 3), np.uint8)
    seen = {frost.function(black, 1, 1, 1.0, rng=draws).tobytes() for _ in range(40)}
    module._texture.cache_clear()
    # randint(0, 65 - 64) and randint(0, 66 - 64): one row and two columns, not two and three.
    assert seen == {only[:64, :64].tobytes(), only[:64, 1:65].tobytes()}


def test_crystals_are_brighter_than_what_they_grow_on(textures: tuple[Image, ...]) -> None:
    light = textures[3] @ LUMINANCE
    assert light[:200].mean() > light[400:].mean() + 10
    # Fern-like: the bright side of the distribution is the thin one.
    assert np.percentile(light, 99) - np.median(light) > np.median(light) - np.percentile(light, 1)
