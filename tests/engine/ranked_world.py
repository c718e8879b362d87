"""Networks whose sufficient subsets are known, pictures for them, and records of runs of sis."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import torch
from engine_world import COLOURS
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from transfer_world import tinted

import roadworthy as rw
from roadworthy.engine.artifacts import Artifacts
from roadworthy.types import Classes, Classifier

SIDE = 8
SHY = -3.0
"""What a linear network says of black."""


class Linear(nn.Module):
    """Two logits: a weighted sum of pixels, and 0."""

    def __init__(self) -> None:
        super().__init__()
        weight = torch.rand(SIDE, SIDE, generator=torch.Generator().manual_seed(2)) ** 2
        self.weight = nn.Parameter(weight)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, 2)."""
        total = (x.mean(1) * self.weight).sum((1, 2)) + SHY
        return torch.stack([total, torch.zeros_like(total)], 1)


class Constant(nn.Module):
    """Always as sure, whatever it is shown; the sum keeps it differentiable."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, 2)."""
        nothing = self.scale * x.sum((1, 2, 3))
        return torch.stack([nothing + 4, nothing], 1)


def linear_net(**options: object) -> Classifier:
    return rw.wrap(Linear(), size=SIDE, name="linear", classes=Classes(2), **options)  # type: ignore[arg-type]


def sure_net(seed: int, *, name: str = "") -> Classifier:
    """Return a network that tells colours and is sure of it."""
    net = tinted(seed)
    net.conv.weight.data *= 8
    return rw.wrap(net, size=SIDE, name=name or f"net{seed}", classes=Classes(3, COLOURS))


def grey_pictures(folder: Path, count: int = 6) -> tuple[str, NDArray[np.float64]]:
    """Write random grey pictures; returns their spec and the pixels in [0, 1], (count, H, W)."""
    rng = np.random.default_rng(5)
    pixels = rng.integers(100, 256, (count, SIDE, SIDE), dtype=np.uint8)
    (folder / "0").mkdir(parents=True)
    (folder / "1").mkdir()
    for number, one in enumerate(pixels):
        image = Image.fromarray(np.repeat(one[..., None], 3, axis=2))
        image.save(folder / str(number % 2) / f"{number}.png")
    return f"imagefolder:{folder}", pixels / 255.0


def subsets(run: rw.Run, stress: str = "sis", **only: str) -> pl.DataFrame:
    """Return the records of sis in a fixed order."""
    rows = run.rows().filter(pl.col("stress").str.starts_with(stress))
    for name, value in only.items():
        rows = rows.filter(pl.col(name) == value)
    return rows.sort("stress", "source", "model", "variant", "sample")


def at(rows: pl.DataFrame, variant: str) -> pl.DataFrame:
    """Return the records of one variant, by sample."""
    return rows.filter(pl.col("variant") == variant).sort("sample")


def kept_order(run: rw.Run, row: dict[str, object]) -> NDArray[np.uint16]:
    """Return the order (H, W) that a record was cut out of."""
    kept = Artifacts(run.folder)
    file = kept.held(str(row["artifact"]).split("/")[1])[str(row["sample"]), str(row["content"])]
    (made,) = kept.read(file).values()
    order: NDArray[np.uint16] = made.at(file.rows[str(row["sample"]), str(row["content"])]).arrays[
        "order"
    ][0]
    return order


def crafted(run: rw.Run) -> list[int]:
    """Return how many images the last invocation ranked, once for each order, by model."""
    return list(run.runs[-1]["crafted"].values())
