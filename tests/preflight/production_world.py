"""Drawn pictures as files of production, and a small network that is sure of some of them."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as PillowImage
from torch import Tensor, nn

import roadworthy as rw
from roadworthy.models.quantise.pictures import leaves
from roadworthy.types import Image

SIDE = 64
Change = Callable[[Image], Image]


class Tiny(nn.Module):
    """Five classes of random filters: predictions that hang on detail, so that some flip easily."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(5)
        self.filter = nn.Parameter(torch.randn(16, 3, 5, 5, generator=generator))
        self.line = nn.Parameter(torch.randn(5, 16, generator=generator))

    def forward(self, x: Tensor) -> Tensor:
        found = nn.functional.conv2d(x - 0.5, self.filter, stride=2).relu().mean((2, 3))
        return (found - found.mean(1, keepdim=True)) @ self.line.T


@cache
def tiny() -> Any:
    return rw.wrap(Tiny(), size=SIDE, name="tiny")


@cache
def drawn(first: int, last: int) -> tuple[Image, ...]:
    """Return pictures of 64 x 64 pixels, four of each drawn one."""
    return tuple(
        np.ascontiguousarray(picture[y : y + SIDE, x : x + SIDE])
        for picture in leaves(last)[first:]
        for y in (40, 150)
        for x in (30, 160)
    )


def noisy(sigma: float) -> Change:
    def change(image: Image) -> Image:
        rng = np.random.default_rng(int(image.sum()))
        noise: NDArray[np.float64] = image + rng.normal(0, sigma, image.shape)
        return noise.round().clip(0, 255).astype(np.uint8)

    return change


def encoded(image: Image, kind: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    PillowImage.fromarray(image).save(file, kind, **options)
    return file.getvalue()


def written(folder: Path, pictures: tuple[Image, ...], kind: str = "PNG", **options: Any) -> str:
    """Write pictures into a flat folder, and return the text of it as data."""
    folder.mkdir(parents=True)
    for number, picture in enumerate(pictures):
        (folder / f"{number}.{kind.lower()}").write_bytes(encoded(picture, kind, **options))
    return f"imagefolder:{folder}"
