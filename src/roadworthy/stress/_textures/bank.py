"""The four generated textures and how often each is used."""

from __future__ import annotations

from functools import lru_cache
from math import pi

import cv2
import numpy as np

from roadworthy.stress._textures.crystals import Growth, crystals
from roadworthy.stress._textures.fields import (
    Field,
    power_law,
    ridged,
    standardised,
    with_spectrum,
)
from roadworthy.stress._textures.tones import Tones, coloured
from roadworthy.types import Image

SHAPE = (600, 900)

_TURQUOISE = Tones(
    (95, 102, 116, 128, 141, 163, 177),
    (78, 149, 166),
    (27, 17, 15),
    grey=(0.923, 0.977, 0.837),
    tint=(0.385, -0.213, -0.547),
)
_WHITE = Tones((140, 165, 193, 208, 220, 235, 244), (201, 205, 215), (21, 22, 23))
_BLUE_GREY = Tones((81, 102, 132, 150, 167, 196, 231), (138, 153, 165), (29, 29, 30))
_DARK = Tones((43, 58, 89, 117, 149, 202, 237), (112, 123, 135), (44, 43, 42))

# Mean power, in powers of ten, below 1/224 cycles a pixel and in the octaves above.
_KNOTS = np.array([0.3, 1.4, 2.8, 5.6, 11.2, 22.4, 44.8, 80.0]) / 224
_POWER = {
    "turquoise": (10.6, 9.25, 8.15, 7.0, 6.42, 6.23, 6.03, 5.63),
    "white": (10.3, 8.8, 7.92, 7.4, 7.34, 6.66, 6.08, 5.5),
    "blue_grey": (10.4, 9.0, 8.2, 7.6, 7.36, 7.04, 6.72, 6.24),
    "dark": (10.5, 9.7, 8.87, 8.57, 7.95, 7.4, 6.77, 6.24),
}


def _finished(name: str, structure: Field, tones: Tones, rng: np.random.Generator) -> Image:
    power = np.array(_POWER[name])
    return coloured(with_spectrum(structure, _KNOTS, power), power_law(SHAPE, 3.0, rng), tones)


def _drawn(growth: Growth, rng: np.random.Generator) -> Field:
    return standardised(crystals(SHAPE, growth, rng).astype(np.float32))


def _turquoise(rng: np.random.Generator) -> Image:
    """Wavy ice of low contrast with patches of cloud."""
    structure = ridged(SHAPE, rng) + 0.7 * power_law(SHAPE, 2.4, rng)
    return _finished("turquoise", structure, _TURQUOISE, rng)


def _white(rng: np.random.Generator) -> Image:
    """Bright, dense, feathery strokes."""
    growth = Growth(11, 9, 36, 0.5, 1.1, 0, 0.0, 0.0, (1, 2), dimmest=0.4)
    structure = _drawn(growth, rng) + 1.0 * power_law(SHAPE, 2.0, rng)
    return _finished("white", structure, _WHITE, rng)


def _blue_grey(rng: np.random.Generator) -> Image:
    """A window with small rosettes and streaks of melt from top to bottom."""
    growth = Growth(11, 7, 7, 0.6, 1.8 * pi, 0, 0.0, 0.0, (1, 3), dimmest=0.3)
    streaks = cv2.GaussianBlur(power_law(SHAPE, 0.3, rng), (0, 0), 0.8, sigmaY=7)
    structure = _drawn(growth, rng) + 0.6 * standardised(streaks) + 0.5 * power_law(SHAPE, 1.6, rng)
    return _finished("blue_grey", structure, _BLUE_GREY, rng)


def _dark(rng: np.random.Generator) -> Image:
    """Many fern-like crystals, bright at the top and smooth at the lower left."""
    growth = Growth(30, 6, 42, 0.5, 2 * pi, 9, 0.38, pi / 3.3, (1, 1))
    down, across = np.ogrid[-1 : 1 : SHAPE[0] * 1j, -1 : 1 : SHAPE[1] * 1j]
    overgrown = 1 / (1 + np.exp(6 * (down - across - 0.6)))
    structure = _drawn(growth, rng) * (0.15 + 0.85 * overgrown) - 0.5 * down
    return _finished(
        "dark", structure.astype(np.float32) + 0.3 * power_law(SHAPE, 1.9, rng), _DARK, rng
    )


@lru_cache(maxsize=1)
def procedural() -> tuple[Image, ...]:
    """Return five textures, uint8 RGB (600, 900, 3), the same in every process.

    Two of the five are one, as among the original files, whose statistics of brightness, colour and
    sharpness they have. Takes about a second the first time.
    """
    # Of sixteen keys for each texture, the one whose 224 x 224 parts vary most like the original's.
    kinds = ((_turquoise, 9), (_white, 12), (_blue_grey, 10), (_dark, 12))
    made = [maker(np.random.Generator(np.random.Philox(key=key))) for maker, key in kinds]
    for texture in made:
        texture.flags.writeable = False
    return made[0], made[1], made[1], made[2], made[3]
