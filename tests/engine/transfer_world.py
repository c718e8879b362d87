"""Networks that tell colours, each a little otherwise, and what a matrix of them looks like."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import torch
from engine_world import COLOURS, ColourNet, write_pictures

import roadworthy as rw
from roadworthy.types import Classes, Classifier

ATTACK = "pgd(eps=5/255, steps=4)"
NOT_OF_THE_MAKING = ["request", "artifact"]


def tinted(seed: int) -> ColourNet:
    """Return a network with weights of its own: a colour counts a little for the others as well."""
    net = ColourNet()
    generator = torch.Generator().manual_seed(seed)
    net.conv.weight.data += 0.6 * torch.randn(3, 3, 1, 1, generator=generator)
    return net


def tinted_net(seed: int, *, size: int = 16, name: str = "") -> Classifier:
    """Return it as a classifier."""
    return rw.wrap(
        tinted(seed),
        size=size,
        name=name or f"net{seed}",
        classes=Classes(3, COLOURS),
    )


def pictures(folder: Path, *, each: int = 6) -> str:
    """Return the spec of a folder of pictures of each colour."""
    return f"imagefolder:{write_pictures(folder / 'pictures', each=each)}"


def attacked(run: rw.Run, *, source: str = "", model: str = "") -> pl.DataFrame:
    """Return the records of attacks in a fixed order, of one source or judge where that is named."""
    rows = run.rows().filter(pl.col("norm").is_not_null())
    if source:
        rows = rows.filter(pl.col("source").str.contains(source))
    if model:
        rows = rows.filter(pl.col("model").str.contains(model))
    return rows.drop(NOT_OF_THE_MAKING).sort("stress", "variant", "source", "model", "sample")


def crafted(run: rw.Run) -> list[int]:
    """Return how many images the last invocation attacked, by model in their order."""
    return list(run.runs[-1]["crafted"].values())


def right(run: rw.Run, model: str) -> int:
    """Return how many clean images a model has right in its own frame."""
    clean = run.rows().filter(
        (pl.col("stress") == "clean") & (pl.col("model") == model) & pl.col("source").is_null()
    )
    return int(clean["correct"].sum())
