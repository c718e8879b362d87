"""The headline metrics of a run as a frame: a row a stress, three columns a metric."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from roadworthy.exporting.choice import check
from roadworthy.report.cells import Cell, cells, distinct
from roadworthy.report.columns import MEANS, NOTHING, median_of, metrics_of
from roadworthy.report.matrix import own_cells

KEYS = ("model", "data", "source", "stress", "variant")


def table(summary: Mapping[str, Any], metrics: Sequence[str] = ()) -> pl.DataFrame:
    """Return the headline metrics of a summary, or ``metrics``; raises UsageError for others."""
    check(summary, metrics)
    found = own_cells(cells(summary))
    names = distinct(metrics or _headline(found))
    columns: dict[str, pl.Series] = {
        key: pl.Series(key, [getattr(cell, key) for cell in found], pl.String) for key in KEYS
    }
    columns["source"] = columns["source"].replace("", None)  # as in the rows of the summary
    for name in names:
        readings = [cell.readings.get(name, NOTHING) for cell in found]
        for end, column in (("value", name), ("low", f"{name}_low"), ("high", f"{name}_high")):
            columns[column] = pl.Series(column, [getattr(r, end) for r in readings], pl.Float64)
    for count in ("n", "failed"):
        columns[count] = pl.Series(count, [getattr(cell, count) for cell in found], pl.Int64)
    return pl.DataFrame(list(columns.values()))


def _headline(found: Sequence[Cell]) -> Iterator[str]:
    """Yield the metrics of the terminal's table by their own names."""
    known = {n for cell in found for n, r in cell.readings.items() if r.text != NOTHING.text}
    for column in metrics_of(found):
        if column == "median":
            medians = {norm for norm, reading in map(median_of, found) if reading != NOTHING}
            named = [f"median_{n.lower()}" if n else "worst_case_median" for n in sorted(medians)]
        else:
            named = [name for name in (column, MEANS.get(column)) if name in known]
        yield from filter(None, named)
