"""Runs on disk that nothing was judged for: made-up verdicts, real parts, manifests and summaries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from roadworthy.engine.records import SCHEMA
from roadworthy.engine.store import Store
from roadworthy.run import Run
from roadworthy.seed import digest
from roadworthy.types import Sample

NAMES = ("cat", "dog", "owl")
Right = Mapping[str, Any]
"""Verdicts by stress: (samples,) of one variant, (samples, severities) of several."""


def made_run(
    folder: Path,
    right: Right,
    *,
    model: str = "demo/m",
    data: str = "imagefolder:d",
    first: int = 0,
    contents: str = "c",
    versions: Mapping[str, int] | None = None,
    suites: Sequence[Mapping[str, Any]] = (),
    columns: Mapping[str, Mapping[str, Any]] | None = None,
    sequence: int = 1,
    finish: bool = True,
    summarised: bool = True,
) -> Run:
    """Write a run of one model on made-up samples, ``s0000`` and so on from ``first``.

    ``right`` says which verdicts are right, ``columns`` more columns of records by stress. Without
    ``finish`` the invocation never came to its end.
    """
    store = Store.create(folder)
    cells = []
    for stress, verdicts in right.items():
        hits = np.asarray(verdicts, bool)
        samples = [
            Sample(f"s{first + i:04}", (first + i) % 3, f"{contents}{first + i}")
            for i in range(len(hits))
        ]
        request = digest(model, stress, data)
        rows = records_of(stress, hits, samples, request=request, model=model, data=data)
        rows = rows.with_columns(version=pl.lit((versions or {}).get(stress, 1), pl.Int32))
        more = (columns or {}).get(stress, {})
        rows = rows.with_columns(
            pl.Series(name, values, dtype=SCHEMA[name]) for name, values in more.items()
        )
        store.write_part(request, samples, rows, footer={"stress": stress, "seconds": 0.0})
        cells.append(
            {
                "data": data,
                "model": model,
                "stress": stress,
                "precision": "fp32",
                "request": request,
                "manifest": store.write_manifest(samples),
            }
        )
    store.write_json("manifests/names.json", list(NAMES))
    count = max(len(np.asarray(v)) for v in right.values())
    about = {
        "schema": 1,
        "id": f"run{sequence}",
        "sequence": sequence,
        "started": "2026-01-01T00:00:00.000+00:00",
        "folder": str(folder),
        "options": {"seed": 0, "precision": "fp32"},
        "versions": {"roadworthy": "0.1.0"},
        "models": [{"spec": model, "id": model, "classes": "names"}],
        "data": [
            {
                "spec": data,
                "samples": count,
                "available": 10 * count,
                "manifest": cells[0]["manifest"],
            }
        ],
        "stresses": list(right),
        "suites": list(suites),
        "cells": cells,
        **({"finished": "2026-01-01T00:00:01.000+00:00"} if finish else {}),
    }
    store.write_json(f"runs/run{sequence}.json", about)
    run = Run(folder)
    if summarised:
        store.write_json("summary.json", run.summary)
    return run


def records_of(
    stress: str, hits: NDArray[np.bool_], samples: Sequence[Sample], **same: str
) -> pl.DataFrame:
    """Return records with these verdicts; a wrong prediction is the next class."""
    levels = 1 if hits.ndim == 1 else hits.shape[1]
    flat = hits.ravel()
    labels = np.repeat([s.label for s in samples], levels).astype(np.int32)
    severity = np.tile(np.arange(1, levels + 1), len(samples))
    known: dict[str, Any] = {
        "sample": [s.id for s in samples for _ in range(levels)],
        "content": [s.content for s in samples for _ in range(levels)],
        "stress": [stress] * flat.size,
        "variant": [""] * flat.size if hits.ndim == 1 else [f"severity={s}" for s in severity],
        "severity": [None] * flat.size if hits.ndim == 1 else severity.tolist(),
        "status": ["ok"] * flat.size,
        "label": labels,
        "pred": np.where(flat, labels, (labels + 1) % 3),
        "correct": flat,
        "conf": [0.75] * flat.size,
        **{name: [value] * flat.size for name, value in same.items()},
    }
    return pl.DataFrame(
        [
            pl.Series(name, known[name], dtype=kind)
            if name in known
            else pl.Series(name, [None] * flat.size, dtype=kind)
            for name, kind in SCHEMA.items()
        ]
    )


def suite_of(spec: str, stresses: Sequence[str], **changes: Any) -> dict[str, Any]:
    """Return what a run says of a suite of corruptions."""
    known = {"spec": spec, "name": spec, "version": 1, "kind": "corruptions"}
    facts = {"headline": "mean_error", "baseline": None, "why_no_baseline": "made up"}
    return {**known, **facts, "stresses": list(stresses), **changes}
