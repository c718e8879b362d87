"""Made-up parts, for tests of what is on disk."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from roadworthy.engine.records import SCHEMA
from roadworthy.engine.store import Store
from roadworthy.types import Sample


def samples(start: int, stop: int) -> list[Sample]:
    """Return samples "0", "1" … with made-up contents."""
    return [Sample(str(i), i % 3, f"c{i}") for i in range(start, stop)]


def rows(
    chosen: Sequence[Sample],
    request: str = "r",
    *,
    status: str = "ok",
    reason: str | None = None,
    variants: Sequence[str] = ("severity=1", "severity=2"),
) -> pl.DataFrame:
    """Return a row for each sample and variant; the loss is the number of the sample."""
    keys = variants if status == "ok" else ("",)
    pairs = [(s, v) for s in chosen for v in keys]
    values = {
        "sample": [s.id for s, _ in pairs],
        "content": [s.content for s, _ in pairs],
        "variant": [v for _, v in pairs],
        "status": [status] * len(pairs),
        "reason": [reason] * len(pairs),
        "request": [request] * len(pairs),
        "loss": [float(s.id) for s, _ in pairs],
        "top5": [[1, 2, 3, 4, 5]] * len(pairs),
    }
    nothing = [None] * len(pairs)
    return pl.DataFrame({name: values.get(name, nothing) for name in SCHEMA}, schema=SCHEMA)


def write(store: Store, start: int, stop: int, request: str = "r", **options: str) -> Path:
    """Write one part of made-up rows."""
    chosen = samples(start, stop)
    made = rows(chosen, request, **options)
    return store.write_part(request, chosen, made, footer={"stress": "s", "seconds": 0.1})


def write_run(store: Store, sequence: int, started: str = "2024", **about: object) -> None:
    """Write the file of an invocation without cells."""
    run = {"id": f"run{sequence}", "sequence": sequence, "started": started}
    run |= {"cells": [], "models": [], "data": [], **about}
    store.write_json(f"runs/run{sequence}.json", run)
