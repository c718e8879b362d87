"""Accuracy over the frames of sequences: counted for the summary, and as points of a chart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from roadworthy.report.cells import entries, label_of, text_of
from roadworthy.report.names import axis_of
from roadworthy.report.points import Who, percent, point
from roadworthy.report.reading import count
from roadworthy.report.style import Point
from roadworthy.run import CellRecord


@dataclass
class Frames:
    """How many sequences are right at each frame, by cell and variant."""

    found: list[dict[str, Any]] = field(default_factory=list)

    def add(self, cell: CellRecord, model: str, judged: pl.DataFrame) -> None:
        """Count the frames of a cell, ``judged`` as `judgements` returns them."""
        known = judged.filter(pl.col("frame").is_not_null())
        if known.is_empty():
            return
        shares = (
            known.group_by("variant", "frame", maintain_order=True)
            .agg(pl.col("correct").sum().alias("right"), pl.col("sample").n_unique())
            .sort("variant", "frame", maintain_order=True)
        )
        for (variant,), part in shares.partition_by("variant", as_dict=True).items():
            self.found.append(
                {
                    "model": model,
                    "data": cell.data,
                    "stress": cell.stress,
                    "variant": variant,
                    "frames": part.select("frame", "right", "sample").rows(),
                }
            )


def frame_points(summary: Mapping[str, Any], who: Who) -> list[Point]:
    """Return accuracy over the frames of each sequence; each sample has one row per frame."""
    points = []
    for entry in entries(summary, "frames"):
        if axis_of(text_of(entry, "stress")) != "sequence":
            continue  # draws of subsets follow no order
        label = label_of(text_of(entry, "stress"), text_of(entry, "variant"))
        judge = who(text_of(entry, "model"), text_of(entry, "data"), "")
        series = " · ".join(filter(None, (judge, label)))
        listed = entry.get("frames")
        for line in listed if isinstance(listed, list | tuple) else ():
            if isinstance(line, list | tuple) and len(line) == 3 and count(line[2]):
                frame, right, n = map(count, line)
                reading = percent(right / n, n)
                label = f"frame {frame}"
                points.append(point(reading, label=label, series=series, x=float(frame)))
    return points
