"""How often a model is right at each confidence: counted for the summary, and as points of a chart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from roadworthy.report.cells import entries, text_of
from roadworthy.report.names import AXES, axis_of
from roadworthy.report.points import Who, percent, point
from roadworthy.report.reading import count, real
from roadworthy.report.style import Point
from roadworthy.run import CellRecord

BINS = 10
STRESSED = "under stress"


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
        self.found.append({**key, "bins": listed})


@dataclass
class _Bin:
    rows: int = 0
    samples: int = 0
    confidence: float = 0.0
    right: int = 0


def reliability_points(summary: Mapping[str, Any], who: Who) -> list[Point]:
    """Return accuracy over mean confidence in ten bins, one series per judge and axis.

    With several judges the stresses are pooled, lest the chart be full of lines. The samples of a bin
    are those of the stress that has most there: the intervals err on the wide side.
    """
    known = entries(summary, "reliability")
    several = len({who(text_of(e, "model"), text_of(e, "data"), "") for e in known}) > 1
    order = [*AXES, STRESSED]
    pooled: dict[tuple[str, str, str], dict[int, _Bin]] = {}
    for entry in known:
        axis = axis_of(text_of(entry, "stress"))
        axis = STRESSED if several and axis != "clean" else axis
        key = (text_of(entry, "model"), text_of(entry, "data"), axis)
        listed = entry.get("bins")
        for line in listed if isinstance(listed, list) else ():
            if isinstance(line, list) and len(line) == 5:
                _pool(pooled.setdefault(key, {}), line)
    points = []
    for (model, data, axis), bins in sorted(
        pooled.items(), key=lambda i: (i[0][:2], order.index(i[0][2]))
    ):
        series = " · ".join(filter(None, (who(model, data, ""), AXES.get(axis, STRESSED))))
        for place, found in sorted(bins.items()):
            label = f"confidence {place * BINS} to {(place + 1) * 100 // BINS} %"
            reading = percent(found.right / found.rows, found.samples)
            x = 100 * found.confidence / found.rows
            points.append(point(reading, label=label, series=series, x=x))
    return points


def _pool(bins: dict[int, _Bin], line: list[Any]) -> None:
    place, rows, samples, right = (count(line[i]) for i in (0, 1, 2, 4))
    if rows and 0 <= place < BINS:
        one = bins.setdefault(place, _Bin())
        one.rows += rows
        one.samples = max(one.samples, samples)
        one.confidence += (real(line[3]) or 0.0) * rows
        one.right += right
