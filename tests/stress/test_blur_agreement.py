"""Every blur against a literal float64 transcription of the specification's text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import plain_blur
import pytest
from golden_chart import chart, corrupted

from roadworthy.stress import STRESSES
from roadworthy.stress.base import StressDefinition
from roadworthy.stress.corruptions.zoom_blur import zoom_factors
from roadworthy.types import Image

CELLS = [(size, s) for size in (224, 32) for s in range(1, 6)] + [(64, 4), (299, 2)]
BLURS = ("gaussian_blur", "defocus_blur", "glass_blur", "motion_blur", "zoom_blur")


def noise(size: int) -> Image:
    return np.random.default_rng(size).integers(0, 256, (size, size, 3), dtype=np.uint8)


def plain(name: str, image: Image, severity: int) -> Image:
    definition: StressDefinition = STRESSES.get(name)
    assert definition.levels is not None
    strengths: list[Any] = list(definition.levels.strengths(severity, image.shape).values())
    state = np.random.RandomState(1000 + severity)
    if name == "zoom_blur":
        return plain_blur.zoom_blur(image, zoom_factors(*strengths))
    if name == "glass_blur":
        sigma, displacement, passes = strengths
        return plain_blur.glass_blur(image, sigma, displacement, passes, state)
    if name == "motion_blur":
        radius, sigma = strengths
        return plain_blur.motion_blur(image, radius, sigma, plain_blur.uniform_angle(state))
    function: Callable[..., Image] = getattr(plain_blur, name)
    return function(image, *strengths)


@pytest.mark.parametrize("name", BLURS)
@pytest.mark.parametrize(("size", "severity"), CELLS)
@pytest.mark.parametrize("picture", [chart, noise])
def test_a_blur_is_what_the_text_says(
    name: str, size: int, severity: int, picture: Callable[[int], Image]
) -> None:
    if (name, picture) == ("glass_blur", noise) and size > 64:
        pytest.skip("the loop is slow; test_blur_glass has its large frames, bit for bit")
    image = picture(size)
    expected = plain(name, image, severity).astype(int)
    got = corrupted(name, image, severity).astype(int)
    off = np.abs(got - expected)
    assert (off > 1).mean() <= 0.001
    assert (off > 0).mean() <= 0.05
