"""How often a model is right at each confidence, counted for the summary."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import polars as pl

from roadworthy.run import CellRecord

BINS = 10


@dataclass
class Reliability:
    """Counts by confidence, in ten bins, of every cell about a model by itself."""

    found: list[dict[str, Any]] = field(default_factory=list)

    def add(self, cell: CellRecord, model: str, judged: pl.DataFrame) -> None:
        """Count the pictures of a cell, ``judged`` as `judgements` returns them."""
        known = judged.select("sample", "correct", "conf").filter(pl.col("conf").is_between(0, 1))
        if known.is_empty():
            return
        place = (pl.col("conf") * BINS).floor().clip(0, BINS - 1).cast(pl.Int32)
        bins = (
            known.group_by(bin=place)
            .agg(
                pl.len().alias("rows"),
                pl.col("sample").n_unique().alias("samples"),
                pl.col("conf").cast(pl.Float64).mean(),
                pl.col("correct").sum().alias("right"),
            )
            .sort("bin")
        )
        listed = [[b, n, s, float(f"{c:.6g}"), r] for b, n, s, c, r in bins.iter_rows()]
        key = {"model": model, "data": cell.data, "stress": cell.stress}
        samples = known["sample"].n_unique()
        self.found.append({**key, "samples": samples, "bins": listed})
