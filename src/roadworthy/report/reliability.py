"""How often a model is right at each confidence, counted for the summary."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from roadworthy.run import CellRecord

BINS = 10


@dataclass
class Reliability:
    """Counts by confidence, in ten bins, of every cell about a model by itself."""

    found: list[dict[str, Any]] = field(default_factory=list)

    def add(self, cell: CellRecord, model: str, judged: pl.DataFrame) -> None:
        """Count the pictures of a cell: ``judged`` as `judgements` returns them, samples numbered."""
        conf = judged["conf"].to_numpy()
        known = (conf >= 0) & (conf <= 1)
        if not known.any():
            return
        conf, right = conf[known], judged["correct"].to_numpy()[known]
        sample = judged["sample"].to_numpy()[known]
        place = np.clip(np.floor(conf * np.float32(BINS)), 0, BINS - 1).astype(np.int64)
        seen = np.zeros((BINS, int(sample.max()) + 1), bool)
        seen[place, sample] = True
        rows = np.bincount(place, minlength=BINS)
        total = np.bincount(place, weights=conf, minlength=BINS)
        hits = np.bincount(place[right], minlength=BINS)
        listed = [
            [b, int(rows[b]), int(seen[b].sum()), _rounded(total[b] / rows[b]), int(hits[b])]
            for b in np.flatnonzero(rows).tolist()
        ]
        key = {"model": model, "data": cell.data, "stress": cell.stress}
        samples = int(seen.any(axis=0).sum())
        self.found.append({**key, "samples": samples, "bins": listed})


def _rounded(mean: float) -> float:
    return float(f"{mean:.6g}")
