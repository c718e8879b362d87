"""Ice crystals over the picture, as in ImageNet-C."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from math import ceil, inf
from typing import Any

import cv2
import numpy as np

from roadworthy.errors import UsageError
from roadworthy.stress._kernels.truncation import TRUNCATED
from roadworthy.stress._textures.bank import procedural
from roadworthy.stress._textures.folder import check_folder, textures_in
from roadworthy.stress.base import corruption
from roadworthy.stress.draws import Draws
from roadworthy.types import Image


def _check(arguments: Mapping[str, Any]) -> None:
    for name in ("image_weight", "frost_weight"):
        if not 0 <= arguments.get(name, 0.0) < inf:
            raise UsageError(f"frost: {name} is 0 or larger, not {arguments[name]}")
    if not 0.01 <= arguments.get("texture_scale", 1.0) <= 1000:
        raise UsageError(f"frost: texture_scale is 0.01 to 1000, not {arguments['texture_scale']}")
    if arguments.get("textures") is not None:
        check_folder(arguments["textures"])


_LARGE = ((1.0, 0.4, 1.0), (0.8, 0.6, 1.0), (0.7, 0.7, 1.0), (0.65, 0.7, 1.0), (0.6, 0.75, 1.0))


@corruption(
    levels={
        224: _LARGE,
        299: _LARGE,
        64: (
            (1.0, 0.3, 0.3),
            (0.9, 0.4, 0.3),
            (0.8, 0.45, 0.3),
            (0.75, 0.5, 0.3),
            (0.7, 0.55, 0.3),
        ),
        32: (
            (1.0, 0.2, 0.2),
            (1.0, 0.3, 0.2),
            (0.9, 0.4, 0.2),
            (0.85, 0.4, 0.2),
            (0.75, 0.45, 0.2),
        ),
    },
    lengths=("texture_scale",),
    check=_check,
    paper="Hendrycks & Dietterich, ICLR 2019",
)
def frost(
    image: Image,
    image_weight: float,
    frost_weight: float,
    texture_scale: float,
    *,
    textures: str | None = None,
    rng: Draws,
) -> Image:
    """Add ``frost_weight`` times a random part of a picture of ice to ``image_weight`` times the image.

    ``image`` is uint8 (H, W, 3); so is the result, truncated, not rounded, to 8 bits, as published.
    The published pictures of ice carry no licence and are not here: without ``textures`` these are
    generated ones with the same statistics of brightness, colour and sharpness, and results are not
    pixel for pixel those of ImageNet-C. ``textures`` names a folder with the originals (frost1.png,
    frost2.png, frost3.png, frost4.jpg, frost5.jpg), which gives the published corruption itself.
    ``texture_scale`` is the size of a picture's pixel; it grows with the frame, and further for a
    frame that would not fit into the picture. Hendrycks & Dietterich, ICLR 2019.
    """
    index = int(rng.integers(0, 5, ()))
    height, width = image.shape[:2]
    texture = _texture(textures, index, min(1.0, texture_scale))
    ice = _part(texture, height, width, max(1.0, texture_scale), rng)
    image = np.ascontiguousarray(image)
    return np.asarray(cv2.addWeighted(image, image_weight, ice, frost_weight, TRUNCATED))


@lru_cache(maxsize=32)
def _texture(folder: str | None, index: int, scale: float) -> Image:
    texture = (procedural() if folder is None else textures_in(folder))[index]
    # A texture of one pixel would leave no choice of a place.
    scale = max(scale, 2.0 / min(texture.shape[:2]))
    if scale >= 1.0:
        return texture
    # The size that OpenCV makes of factors is rounded, the factors are not: 0.2 is one of five.
    return np.asarray(
        cv2.resize(texture, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR), np.uint8
    )


def _part(texture: Image, height: int, width: int, scale: float, rng: Draws) -> Image:
    """Return a random part, uint8 (height, width, 3), of ``texture`` enlarged ``scale`` times."""
    tall, wide = texture.shape[:2]
    scale = max(scale, height / (tall - 1), width / (wide - 1))
    rows, columns = min(tall - 1, ceil(height / scale)), min(wide - 1, ceil(width / scale))
    row = int(rng.integers(0, tall - rows, ()))
    column = int(rng.integers(0, wide - columns, ()))
    part = texture[row : row + rows, column : column + columns]
    if scale == 1.0:
        return part
    return np.asarray(cv2.resize(part, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
