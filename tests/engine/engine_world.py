"""A small world for engine tests: pictures by dominant colour and a network that tells colours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

import roadworthy as rw
from roadworthy.types import Classes, Classifier

COLOURS = ("red", "green", "blue")


class ColourNet(nn.Module):
    """Logits are the mean of each channel, through a convolution and a batch norm."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 1, bias=False)
        self.norm = nn.BatchNorm2d(3)
        self.norm.eps = 0.0
        self.conv.weight.data = 8.0 * torch.eye(3).view(3, 3, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.norm(self.conv(x)).mean((2, 3))
        return out


def colour_net(network: nn.Module | None = None, **options: object) -> Classifier:
    """Return a network, that of colours if no other is given, as a classifier of 16x16 frames."""
    given = {"size": 16, "name": "colours", "classes": Classes(3, COLOURS), **options}
    return rw.wrap(network or ColourNet(), **given)  # type: ignore[arg-type]


def write_pictures(folder: Path, *, each: int = 8, size: tuple[int, int] = (24, 20)) -> Path:
    """Write ``each`` noisy pictures of every colour as class folders; returns ``folder``."""
    rng = np.random.default_rng(0)
    for index, colour in enumerate(COLOURS):
        (folder / colour).mkdir(parents=True, exist_ok=True)
        for number in range(each):
            pixels = rng.integers(60, 160, (size[1], size[0], 3))
            # Some are clear and some are close calls, so that stresses have something to break.
            pixels[..., index] += 4 * number
            picture = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
            picture.save(folder / colour / f"{number}.png")
    return folder


QUICK = (
    "clean",
    "gaussian_noise(severity=[1, 5])",
    "jpeg(quality=30)",
    "resizer(resize=opencv-nearest)",
    "translate(frames=5)",
    "pgd(eps=4/255, steps=3)",
    "precision(dtype=bf16)",
)
"""One stress at every tap."""
