"""Small pipelines for tests of the preflight itself: one recipe with a part to change."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

HALF = np.array((0.5, 0.5, 0.5), np.float32)


def opened(data: bytes) -> Image.Image:
    """Return a file as most loaders do."""
    return Image.open(io.BytesIO(data)).convert("RGB")


def recipe(
    *,
    size: int = 64,
    resize_to: int = 72,
    resample: Image.Resampling = Image.Resampling.BILINEAR,
    mean: Any = HALF,
    std: Any = HALF,
    bgr: bool = False,
) -> Callable[[bytes], Any]:
    """Return a pipeline: shorter side, centre, channels, mean and deviation; NCHW float32."""

    def preprocess(data: bytes) -> Any:
        image = opened(data)
        width, height = image.size
        short = min(width, height)
        image = image.resize(
            (int(resize_to * width / short), int(resize_to * height / short)), resample
        )
        left, top = round((image.width - size) / 2), round((image.height - size) / 2)
        pixels = np.asarray(image.crop((left, top, left + size, top + size)))
        pixels = pixels[:, :, ::-1] if bgr else pixels
        numbers = (pixels.astype(np.float32) / 255 - np.float32(mean)) / np.float32(std)
        return numbers.transpose(2, 0, 1)[None]

    return preprocess
