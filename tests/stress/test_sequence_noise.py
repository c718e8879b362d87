"""Noise sequences: a clean frame, then independent noise of the published strength."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from roadworthy.errors import UsageError
from roadworthy.stress import STRESSES
from roadworthy.stress.bound import stress
from roadworthy.stress.draws import FastDraws, ReferenceDraws
from roadworthy.types import Image

NOISES = ["gaussian_noise_sequence", "shot_noise_sequence", "speckle_noise_sequence"]


def _draws(seed: int) -> FastDraws:
    return FastDraws(np.random.Generator(np.random.Philox(seed)))


def _frames(name: str, image: Image, arguments: dict[str, Any], seed: int = 0) -> list[Image]:
    return list(STRESSES.get(name).function(image, **arguments, rng=_draws(seed)))


def _published(name: str, difficulty: int, table: int) -> dict[str, Any]:
    tables = STRESSES.get(name).tables
    assert tables is not None
    frames = tables.on((table, table), {"difficulty": difficulty})
    assert frames.stride is None
    return dict(frames.arguments)


@pytest.mark.parametrize(
    ("name", "table", "expected"),
    [
        ("gaussian_noise_sequence", 224, [0.03, 0.05, 0.08]),
        ("gaussian_noise_sequence", 299, [0.035, 0.055, 0.085]),
        ("gaussian_noise_sequence", 64, [0.025, 0.05, 0.075]),
        ("gaussian_noise_sequence", 32, [0.02, 0.04, 0.06]),
        ("shot_noise_sequence", 224, [300, 120, 60]),
        ("shot_noise_sequence", 299, [250, 100, 50]),
        ("shot_noise_sequence", 64, [500, 250, 125]),
        ("shot_noise_sequence", 32, [700, 400, 200]),
        ("speckle_noise_sequence", 224, [0.05, 0.10, 0.15]),
        ("speckle_noise_sequence", 299, [0.06, 0.11, 0.16]),
        ("speckle_noise_sequence", 64, [0.05, 0.10, 0.15]),
        ("speckle_noise_sequence", 32, [0.05, 0.07, 0.10]),
    ],
)
def test_difficulty_chooses_the_published_strength(
    name: str, table: int, expected: list[float]
) -> None:
    strength = "photons" if name.startswith("shot") else "scale"
    given = STRESSES.get(name).tables
    assert given is not None
    found = [given.on((table, table), {"difficulty": d, "frames": 9}).arguments for d in (1, 2, 3)]
    assert [arguments[strength] for arguments in found] == expected


@pytest.mark.parametrize("difficulty", [1, 3])
@pytest.mark.parametrize("name", NOISES)
def test_the_noise_has_the_published_spread(name: str, difficulty: int) -> None:
    image = np.full((120, 120, 3), 128, np.uint8)
    frames = _frames(name, image, _published(name, difficulty, 224) | {"frames": 4})
    level = 128 / 255
    deviation = {
        "gaussian_noise_sequence": (0.03, 0.08)[difficulty > 1],
        "shot_noise_sequence": (level / (300, 60)[difficulty > 1]) ** 0.5,
        "speckle_noise_sequence": level * (0.05, 0.15)[difficulty > 1],
    }[name]
    for frame in frames[1:]:
        assert frame.std() == pytest.approx(255 * deviation, rel=0.02)
        assert frame.mean() == pytest.approx(127.5, abs=0.5)


@pytest.mark.parametrize("name", NOISES)
def test_the_first_frame_is_clean_and_the_others_are_independent(name: str) -> None:
    image = np.full((90, 100, 3), 100, np.uint8)
    frames = _frames(name, image, _published(name, 3, 224))
    assert len(frames) == 31
    assert np.array_equal(frames[0], image)
    noise = np.stack([frame.ravel().astype(float) for frame in frames[1:8]])
    correlation = np.corrcoef(noise) - np.eye(7)
    assert np.abs(correlation).max() < 5 / np.sqrt(image.size)


@pytest.mark.parametrize("name", NOISES)
def test_each_frame_is_what_the_corruption_makes_of_the_same_draws(name: str) -> None:
    image = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    strength = {"photons": 60.0} if name.startswith("shot") else {"scale": 0.1}
    definition = STRESSES.get(name)
    corruption = STRESSES.get(name.removesuffix("_sequence"))
    one = ReferenceDraws(np.random.RandomState(5))
    other = ReferenceDraws(np.random.RandomState(5))
    frames = list(definition.function(image, **strength, frames=4, rng=one))
    for frame in frames[1:]:
        assert np.array_equal(frame, corruption.function(image, **strength, rng=other))


@pytest.mark.parametrize("name", NOISES)
def test_a_changed_first_frame_changes_no_other(name: str) -> None:
    image = np.full((20, 30, 3), 100, np.uint8)
    strength = {"photons": 60.0} if name.startswith("shot") else {"scale": 0.1}
    expected = _frames(name, image, {**strength, "frames": 2})[1]
    frames = STRESSES.get(name).function(image, **strength, frames=2, rng=_draws(0))
    next(frames)[:] = 0
    assert np.array_equal(next(frames), expected)


@pytest.mark.parametrize(
    "text",
    [
        "gaussian_noise_sequence(scale=-0.1)",
        "speckle_noise_sequence(scale=-1)",
        "shot_noise_sequence(photons=0)",
        "shot_noise_sequence(photons=-5)",
    ],
)
def test_strengths_that_make_no_sense_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"_sequence: (scale|photons) is "):
        stress(text)
