"""Values of metrics that a run has in its summary, so that they need not be computed again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from roadworthy.errors import UsageError
from roadworthy.metrics.base import Estimate
from roadworthy.report.current import read_summary, versions_of, why_stale
from roadworthy.report.reading import reading_of
from roadworthy.run import CellRecord, Run

_Key = tuple[Any, ...]


class Known:
    """The current summary of a run by (model, data, source, stress, variant, metric); maybe nothing."""

    def __init__(self, run: Run) -> None:
        stored = None if why_stale(run) else read_summary(run.folder / "summary.json")
        self._rows: dict[_Key, Mapping[str, Any]] = {}
        for row in stored["rows"] if stored else ():
            keys = ("model", "data", "source", "stress", "variant", "metric")
            self._rows[tuple(row.get(key) for key in keys)] = row
        self.there = stored is not None

    def of(
        self, cell: CellRecord, rows: pl.DataFrame, variant: str, metric: str
    ) -> Estimate | None:
        """Return a metric of a cell, None where the summary has no row of it."""
        source = rows["source"][0] if len(rows) else None
        found = self._rows.get((cell.judge, cell.data, source, cell.stress, variant, metric))
        if found is None:
            return None
        read = reading_of(found)
        return Estimate(read.value, read.low, read.high, read.n)


def check_versions(a: Run, b: Run) -> None:
    """Raise UsageError where the summaries of two runs have metrics by different definitions."""
    first, second = (read_summary(run.folder / "summary.json") for run in (a, b))
    if first is None or second is None:
        return
    versions = versions_of(second)
    for name, version in versions_of(first).items():
        other = versions.get(name, version)
        if other != version:
            older = a if version < other else b
            raise UsageError(
                f"{name} is of definition version {version} in '{a.folder}' and {other} in "
                f"'{b.folder}', so they are different quantities; give the command of "
                f"'{older.folder}' again, which computes its metrics from the records it has"
            )
