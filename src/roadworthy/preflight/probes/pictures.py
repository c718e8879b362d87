"""What the probes show: flat colours, pixels that say where they were, and colours in fine detail."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from roadworthy.types import Image

Whole = NDArray[np.uint32]

DARK, LIGHT = 60, 195
"""Texture stays off black and white, so that filters that overshoot are not clipped."""

MAIN, TILT = 240, 12
"""Levels that a ramp climbs along its axis and across it; the tilt is there so that rounding to whole
levels averages out over each line."""


def flat(height: int, width: int, colour: tuple[int, int, int]) -> Image:
    """Return a picture of one colour, uint8 (H, W, 3)."""
    return np.full((height, width, 3), colour, np.uint8)


def grid(height: int, width: int) -> Image:
    """Return a picture whose pixels say where they are, uint8 (H, W, 3).

    Red grows evenly from left to right and green from top to bottom, so that what is left of them
    after any scaling and cropping tells the geometry; blue is texture at all scales (impulses,
    steps, noise), which no two filters treat alike.
    """
    picture = np.empty((height, width, 3), np.uint8)
    x, y = _even(width), _even(height)[:, None]
    picture[:, :, 0] = (MAIN * x + TILT * y).round()
    picture[:, :, 1] = (TILT * x + MAIN * y).round()
    picture[:, :, 2] = texture(height, width)
    return picture


def _even(length: int) -> NDArray[np.float64]:
    return np.arange(length) / max(1, length - 1)


def texture(height: int, width: int) -> NDArray[np.uint8]:
    """Return two-valued noise in cells of 1, 2, 3 and 5 pixels, and single bright and dark pixels."""
    y, x = _places(height, width)
    cell = np.array((1, 2, 3, 5), np.uint32)[(x // 41 + y // 41) % 4]
    noise = hashed(x // cell, y // cell, cell) & 1
    impulses = (x % 7 == 3) & (y % 7 == 3)
    row = (y // 41) % 3 == 2
    bright = np.where(row, impulses ^ ((x // 41) % 2 == 1), noise == 1)
    made: NDArray[np.uint8] = DARK + bright.astype(np.uint8) * np.uint8(LIGHT - DARK)
    return made


def chart(height: int, width: int) -> Image:
    """Return colours that change every few pixels over soft shading, uint8 (H, W, 3): JPEG's foe."""
    y, x = _places(height, width)
    cell = np.array((2, 3, 6), np.uint32)[(x // 40 + y // 40) % 3]
    colours = np.dstack([40 + hashed(x // cell, y // cell, c) % 176 for c in (11, 12, 13)])
    shade = abs((2 * x + 3 * y).astype(np.int32) % 160 - 80) - 40
    made: Image = np.clip(colours.astype(np.int32) + shade[:, :, None], 0, 255).astype(np.uint8)
    return made


def blocks(height: int, width: int) -> Image:
    """Return flat squares of 8 x 8 pixels in many colours, uint8 (H, W, 3).

    Aligned with the blocks of a JPEG they hold nothing but their mean, so that every decoder makes
    the same of them; no turn or mirror image of the whole is the whole.
    """
    y, x = _places(height, width)
    colours = [24 + hashed(x // 8, y // 8, c) % 208 for c in (29, 30, 31)]
    return np.dstack(colours).astype(np.uint8)


def hashed(x: Whole, y: Whole, z: Whole | int) -> Whole:
    """Return 19-bit numbers that look random but follow from the coordinates, the same anywhere."""
    mixed = (x * np.uint32(73_856_093)) ^ (y * np.uint32(19_349_663))
    mixed ^= np.asarray(z, np.uint32) * np.uint32(83_492_791)
    mixed *= np.uint32(2_654_435_761)
    mixed ^= mixed >> np.uint32(15)
    mixed *= np.uint32(2_246_822_519)
    return mixed >> np.uint32(13)


def _places(height: int, width: int) -> tuple[Whole, Whole]:
    """Return row and column of each pixel, (H, 1) and (1, W)."""
    y, x = np.ogrid[0:height, 0:width]
    return y.astype(np.uint32), x.astype(np.uint32)
