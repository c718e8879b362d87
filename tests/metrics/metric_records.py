"""Record frames for the tests of metrics: only what matters is given, the rest is null."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from roadworthy.engine.records import SCHEMA

DEFAULTS: Mapping[str, Any] = {"stress": "jpeg(quality=30)", "status": "ok", "label": 0}


def records(**columns: Any) -> pl.DataFrame:
    """Return a frame of the full schema; a column is a list or one value for all rows."""
    size = max((len(c) for c in columns.values() if isinstance(c, list | pl.Series)), default=0)
    given = {
        name: pl.Series(name, c if isinstance(c, list | pl.Series) else [c] * size)
        for name, c in {**DEFAULTS, "sample": [f"s{i}" for i in range(size)], **columns}.items()
    }
    unknown = set(given) - set(SCHEMA)
    assert not unknown, unknown
    return pl.DataFrame(
        [
            given[name].cast(kind) if name in given else pl.Series(name, [None] * size, dtype=kind)
            for name, kind in SCHEMA.items()
        ]
    )


def repeated(frame: pl.DataFrame, times: int) -> pl.DataFrame:
    """Return every row several times, as variants that do not differ."""
    return pl.concat([frame.with_columns(variant=pl.lit(f"severity={i}")) for i in range(times)])
