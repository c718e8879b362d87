"""One pipeline beside the reference, image by image: what is lost and moved, also by kinds of file."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from roadworthy.metrics.base import Estimate
from roadworthy.metrics.drop import paired_difference
from roadworthy.metrics.interval import mean, proportion
from roadworthy.metrics.mcnemar import (
    Discordant,
    detectable_difference,
    discordant,
    exact_mcnemar,
)

SHRINKING = (
    ("< 1", 0.0, 1.0),
    ("1 to 1.5", 1.0, 1.5),
    ("1.5 to 2", 1.5, 2.0),
    ("2 to 4", 2.0, 4.0),
    (">= 4", 4.0, math.inf),
)
"""Strata of the downscale ratio with their ends; below 1 a picture is enlarged."""

CHROMA = ("4:4:4", "4:2:2", "4:4:0", "4:1:1", "4:2:0", "grey", "CMYK", "other", "not JPEG")


@dataclass(frozen=True)
class Compared:
    """One pipeline against the reference on the images that both judged."""

    discordant: Discordant
    drop: Estimate
    changed: Estimate
    moved: Estimate

    @property
    def p(self) -> float:
        """Exact p of McNemar's test."""
        return exact_mcnemar(self.discordant.lost, self.discordant.gained)

    @property
    def detectable(self) -> float | None:
        """The smallest drop that these images would have shown, in points; None if nothing changed."""
        found = detectable_difference(self.discordant)
        return None if found is None else 100 * found


def paired(rows: pl.DataFrame, clean: pl.DataFrame) -> pl.DataFrame:
    """Return sample, verdict and prediction before and after, KL and facts of the file, each image once."""
    usual = clean.select("sample", "chroma", "downscale", right="correct", top="pred")
    both = usual.unique("sample", keep="first").join(
        rows.select("sample", "correct", "pred", moved="kl_ref"), on="sample"
    )
    return both.drop_nulls(["right", "correct", "top", "pred"]).sort("sample")


def compared(pairs: pl.DataFrame) -> Compared | None:
    """Return how `paired` images differ; None where there are none."""
    n = pairs.height
    if not n:
        return None
    before, after = pairs["right"].to_numpy(), pairs["correct"].to_numpy()
    changed = (pairs["pred"] != pairs["top"]).to_numpy().astype(np.float64)
    moved = np.sort(pairs["moved"].drop_nulls().cast(pl.Float64).to_numpy())
    ones = np.ones(n)
    return Compared(
        discordant(before, after),
        paired_difference(before.astype(np.float64) - after.astype(np.float64), ones),
        proportion(changed, ones),
        mean(moved, np.ones(moved.size), low=0.0),
    )


def strata(pairs: pl.DataFrame) -> Iterator[tuple[str, str, pl.DataFrame]]:
    """Yield (by, stratum, images): by how colour is stored, and by how much pictures are shrunk.

    A division with one stratum alone says nothing that the whole does not, and is left out.
    """
    by_chroma = [(name, pairs.filter(pl.col("chroma") == name)) for name in CHROMA]
    by_size = [
        (name, pairs.filter((pl.col("downscale") >= low) & (pl.col("downscale") < high)))
        for name, low, high in SHRINKING
    ]
    for by, found in (("chroma", by_chroma), ("downscale", by_size)):
        there = [(name, own) for name, own in found if own.height]
        if len(there) > 1:
            yield from ((by, name, own) for name, own in there)
