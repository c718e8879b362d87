"""All rows of a summary as a frame, and as CSV, JSON and Parquet: one row a metric, all columns."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from roadworthy.report.cells import entries
from roadworthy.report.reading import count, real

SCHEMA = pl.Schema(
    {
        **dict.fromkeys(
            ("model", "data", "source", "stress", "variant", "metric", "unit"), pl.String
        ),
        **dict.fromkeys(("value", "low", "high"), pl.Float64),
        **dict.fromkeys(("n", "failed", "version"), pl.Int64),
    }
)


def rows_of(summary: Mapping[str, Any]) -> pl.DataFrame:
    """Return the rows of a summary in its order; those without a stress or a metric are left out.

    ``value``, ``low`` and ``high`` are null where they are unknown, ``source`` where the judge is.
    """
    rows = [row for row in entries(summary, "rows") if row.get("stress") and row.get("metric")]
    columns = {name: [_read(row.get(name), kind) for row in rows] for name, kind in SCHEMA.items()}
    return pl.DataFrame(columns, schema=SCHEMA)


def _read(value: Any, kind: pl.DataType) -> str | float | int | None:
    if kind == pl.String:
        return None if value is None else str(value)
    return real(value) if kind == pl.Float64 else count(value)


def csv(frame: pl.DataFrame) -> str:
    """Return a frame as CSV: a number in as many digits as it has, nothing for null, "" for no text."""
    return frame.write_csv()


def as_json(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows as a JSON list."""
    return json.dumps(list(rows), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def parquet(frame: pl.DataFrame) -> bytes:
    """Return a frame as the bytes of a Parquet file."""
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression="zstd")
    return buffer.getvalue()
