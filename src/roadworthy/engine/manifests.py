"""Manifests: which samples an invocation used and in what order, named by a digest of just that."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from roadworthy.engine.files import write_whole
from roadworthy.engine.parts import METADATA_KEY, intact, sealed
from roadworthy.errors import RoadworthyError
from roadworthy.seed import digest
from roadworthy.types import Sample

MANIFEST = pl.Schema(
    {"sample": pl.String, "content": pl.String, "position": pl.Int64, "columns": pl.String}
)

_as_json = json.JSONEncoder(default=str).encode  # made once: `json.dumps` would make one a sample


def write_manifest(folder: Path, samples: Sequence[Sample]) -> str:
    """Keep the ordered list of samples in ``folder``; returns its name, a digest."""
    name = digest(*(f"{s.id}\0{s.content}" for s in samples))
    path = folder / f"{name}.parquet"
    try:
        read_manifest(folder, name)
    except RoadworthyError:
        columns = {
            "sample": [s.id for s in samples],
            "content": [s.content for s in samples],
            "position": range(len(samples)),
            "columns": [_as_json(dict(s.columns)) if s.columns else "{}" for s in samples],
        }
        frame = pl.DataFrame(columns, schema=MANIFEST)
        write_whole(path, sealed(frame, {"manifest": name}))
    return name


def read_manifest(folder: Path, name: str) -> pl.DataFrame:
    """Read a manifest: sample, content, position, columns (JSON); RoadworthyError if damaged."""
    path = folder / f"{name}.parquet"
    try:
        data = path.read_bytes()
        if intact(data):
            about = json.loads(pl.read_parquet_metadata(io.BytesIO(data))[METADATA_KEY])
            frame = pl.read_parquet(io.BytesIO(data))
            if about["manifest"] == name and frame.schema == MANIFEST:
                return frame
    except (OSError, ValueError, KeyError, TypeError, pl.exceptions.PolarsError):
        pass  # every kind of damage is the same to whoever asks
    raise RoadworthyError(
        f"manifest '{path}' is missing or damaged; the command of its run writes it again"
    )
