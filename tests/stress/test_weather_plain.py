"""The weather against a literal float64 transcription of the specification, same draws."""

from __future__ import annotations

from typing import Any

import numpy as np
import plain_weather as plain
import pytest
from golden_chart import chart, corrupted

from roadworthy.stress import STRESSES
from roadworthy.stress._kernels.plasma import plasma
from roadworthy.stress.draws import ReferenceDraws
from roadworthy.types import Image

CASES = [
    (name, size, severity)
    for name in ("fog", "snow", "spatter")
    for size, severities in ((224, (1, 2, 3, 4, 5)), (32, (1, 2, 3, 4, 5)), (64, (3,)), (299, (5,)))
    for severity in severities
]


def noise(size: int) -> Image:
    return np.random.default_rng(size).integers(0, 256, (size, size, 3), dtype=np.uint8)


def expected(name: str, image: Image, severity: int) -> Image:
    levels = STRESSES.get(name).levels
    assert levels is not None
    strengths: list[Any] = list(levels.strengths(severity, image.shape).values())
    state = np.random.RandomState(1000 + severity)
    if name == "fog":
        return plain.plain_fog(image, strengths[0], strengths[1], state)
    if name == "snow":
        return plain.plain_snow(image, tuple(strengths), state)
    *drops, kind, brightness, smoothing = strengths
    amount = brightness if kind == "water" else smoothing
    return plain.plain_spatter(image, (*drops, amount, kind), state)


@pytest.mark.parametrize(("name", "size", "severity"), CASES)
def test_weather_is_the_transcription_to_one_level(name: str, size: int, severity: int) -> None:
    for image in (chart(size), noise(size)):
        result = corrupted(name, image, severity).astype(int)
        difference = np.abs(result - expected(name, image, severity))
        assert difference.max() <= 1
        # Whole values, which float64 itself gets a hair wrong: one pixel value in a thousand or so.
        assert (difference == 1).mean() <= 0.002


@pytest.mark.parametrize(
    ("size", "decay", "mean", "std", "points"),
    [
        (256, 2.0, 0.511294, 0.150162, {(0, 0): 0.0, (10, 20): 0.322277, (223, 223): 0.472794}),
        (256, 1.4, 0.532071, 0.166472, {(10, 20): 0.384424}),
        (32, 3.0, 0.468802, 0.120297, {(3, 7): 0.506286, (31, 31): 0.173755}),
    ],
)
def test_plasma_has_the_values_of_the_specification(
    size: int, decay: float, mean: float, std: float, points: dict[tuple[int, int], float]
) -> None:
    field = plasma(size, decay, rng=ReferenceDraws(np.random.RandomState(0)))
    assert field.shape == (size, size)
    assert field.mean(dtype=float) == pytest.approx(mean, abs=1e-6)
    assert field.std(dtype=float) == pytest.approx(std, abs=1e-6)
    assert {at: field[at] for at in points} == pytest.approx(points, abs=1e-6)


@pytest.mark.parametrize(("size", "decay"), [(2, 2.0), (8, 1.5), (16, 1.0), (64, 2.5)])
def test_plasma_of_other_sizes_is_the_transcription(size: int, decay: float) -> None:
    field = plasma(size, decay, rng=ReferenceDraws(np.random.RandomState(7)))
    exact = plain.plain_plasma(size, decay, np.random.RandomState(7))
    assert np.abs(field - exact).max() < 1e-6
    assert (field.min(), field.max()) == (0.0, pytest.approx(1.0, abs=1e-6))


def test_the_transcription_of_frost_meets_the_function() -> None:
    own = STRESSES.get("frost").function
    texture = noise(300)
    state = np.random.RandomState(4)
    expected_frost = plain.plain_frost(chart(224), (0.7, 0.7), [texture] * 5, state)
    module = __import__(own.__module__, fromlist=["_part"])
    draws = ReferenceDraws(np.random.RandomState(4))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "procedural", lambda: (texture,) * 5)
        module._texture.cache_clear()
        result = own(chart(224), 0.7, 0.7, 1.0, rng=draws)
        module._texture.cache_clear()
    assert np.array_equal(result, expected_frost)
