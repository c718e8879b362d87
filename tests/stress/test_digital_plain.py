"""Brightness, contrast, saturate, elastic, pixelate, JPEG beside the words of the specification."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import plain_digital as plain
import pytest
from golden_chart import chart, corrupted, reference_draws

from roadworthy.stress import STRESSES
from roadworthy.types import Image

CASES = [(size, severity) for size in (224, 32) for severity in range(1, 6)]
CASES += [(64, 3), (299, 3)]


def noise(size: int) -> Image:
    return np.random.default_rng(size).integers(0, 256, (size, size, 3), np.uint8)


def both(name: str, image: Image, severity: int) -> tuple[Image, Image]:
    """Return what we make and what the specification's words make of ``image``."""
    definition = STRESSES.get(name)
    assert definition.levels is not None
    arguments = definition.levels.strengths(severity, image.shape)
    expected: Callable[..., Image] = getattr(plain, name)
    if definition.takes_draws:
        arguments["state"] = reference_draws(severity).state
    return corrupted(name, image, severity), expected(image, **arguments)


def off(ours: Image, theirs: Image) -> tuple[float, float]:
    """Return the shares of values that differ at all and by more than one level."""
    difference = np.abs(ours.astype(int) - theirs)
    return float((difference > 0).mean()), float((difference > 1).mean())


@pytest.mark.parametrize("make", [chart, noise])
@pytest.mark.parametrize(("size", "severity"), CASES)
@pytest.mark.parametrize("name", ["brightness", "saturate", "contrast"])
def test_colours(name: str, size: int, severity: int, make: Callable[[int], Image]) -> None:
    any_off, far_off = off(*both(name, make(size), severity))
    assert far_off == 0
    # What is left are whole levels, where rounding error decides in the published formulas.
    assert any_off <= {"brightness": 0.005, "saturate": 0.05, "contrast": 0.0}[name]


@pytest.mark.parametrize("make", [chart, noise])
@pytest.mark.parametrize(("size", "severity"), CASES)
@pytest.mark.parametrize("name", ["pixelate", "jpeg_compression"])
def test_codecs_and_averages(
    name: str, size: int, severity: int, make: Callable[[int], Image]
) -> None:
    ours, theirs = both(name, make(size), severity)
    assert np.array_equal(ours, theirs)


@pytest.mark.parametrize("make", [chart, noise])
@pytest.mark.parametrize(("size", "severity"), CASES)
def test_elastic_transform(size: int, severity: int, make: Callable[[int], Image]) -> None:
    any_off, far_off = off(*both("elastic_transform", make(size), severity))
    assert far_off <= 0.001
    assert any_off <= 0.002


@pytest.mark.parametrize("shape", [(40, 71), (71, 40)])
def test_frames_that_are_not_square(shape: tuple[int, int]) -> None:
    image = np.random.default_rng(1).integers(0, 256, (*shape, 3), np.uint8)
    for name in ("brightness", "saturate", "contrast", "pixelate", "jpeg_compression"):
        assert off(*both(name, image, 4))[1] == 0
    assert off(*both("elastic_transform", image, 2))[1] <= 0.001
