"""Parquet shards: opened without a traceback, their image column read row by row."""

from __future__ import annotations

import json
import os
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, TypeVar

import polars as pl

from roadworthy.errors import RoadworthyError, SampleError, UsageError, did_you_mean
from roadworthy.types import Sample

IN_MEMORY = 1 << 29
"""Bytes of shards up to which whole image columns are kept in memory; larger sets go in groups."""

GROUP = 128  # rows read together in a larger set
CACHED_GROUPS = 1 << 28  # bytes of groups kept

_IMAGES = ("image", "img", "bytes", "png", "jpeg", "jpg", "webp", "image_bytes")
_LABELS = ("label", "labels", "cls", "fine_label", "class")

ResultT = TypeVar("ResultT")


def guarded(action: Callable[[], ResultT], what: str, kind: type[RoadworthyError]) -> ResultT:
    """Run a Polars action; whatever a damaged file makes it raise becomes one ``kind`` error."""
    try:
        return action()
    except (KeyboardInterrupt, SystemExit, RoadworthyError):
        raise
    except BaseException as error:
        # A panic inside Polars derives from BaseException
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise kind(f"{what}: cannot be read as Parquet: {reason}") from None


def scan(path: str) -> pl.LazyFrame:
    """Return the lazy table in one file; the path is taken as it is, wildcards included."""
    return pl.scan_parquet(path, glob=False, hive_partitioning=False)


def features(path: str) -> Mapping[str, Any]:
    """Return the features that the Hugging Face key of the schema metadata declares, or nothing."""
    metadata = guarded(lambda: pl.read_parquet_metadata(path), path, UsageError)
    try:
        found = json.loads(metadata.get("huggingface", "{}"))["info"]["features"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def image_expression(dtype: pl.DataType, column: str) -> pl.Expr | None:
    """Return the expression for encoded bytes in a column of this type, or None."""
    if isinstance(dtype, pl.Struct):
        fields = {f.name: f.dtype for f in dtype.fields}
        if fields.get("bytes") == pl.Binary:
            return pl.col(column).struct.field("bytes").alias("bytes")
        return None
    return pl.col(column).alias("bytes") if dtype == pl.Binary else None


@dataclass
class Rows:
    """Reads the encoded bytes of single rows, in any order and from several threads.

    ``sample.location`` is (shard, row). Sets of up to ``IN_MEMORY`` bytes are read a shard at a
    time and kept; larger ones in groups of rows, of which the last used stay.
    """

    paths: Sequence[str]
    column: str
    rows_at_once: int | None = None
    _kept: OrderedDict[tuple[int, int], pl.Series] = field(default_factory=OrderedDict, repr=False)
    _lock: Any = field(default_factory=Lock, repr=False)

    def __call__(self, sample: Sample) -> bytes:
        """Return the bytes of one row; raises SampleError where there are none."""
        shard, row = sample.location
        first = row // self.rows_at_once if self.rows_at_once else 0
        with self._lock:
            group = self._group(sample, shard, first)
        at = row - first * (self.rows_at_once or 0)
        value = group[at] if at < len(group) else None
        if not isinstance(value, bytes):
            raise SampleError(
                f"{sample.id}: the row holds no image bytes; expected the encoded image itself"
            )
        return value

    def _group(self, sample: Sample, shard: int, first: int) -> pl.Series:
        key = (shard, first)
        if key not in self._kept:
            self._kept[key] = guarded(lambda: self._load(shard, first), sample.id, SampleError)
        self._kept.move_to_end(key)
        if self.rows_at_once:
            while len(self._kept) > 1 and self._size() > CACHED_GROUPS:
                self._kept.popitem(last=False)
        return self._kept[key]

    def _size(self) -> int:
        return int(sum(group.estimated_size() for group in self._kept.values()))

    def _load(self, shard: int, first: int) -> pl.Series:
        table = scan(self.paths[shard])
        expression = image_expression(table.collect_schema()[self.column], self.column)
        if expression is None:
            raise SampleError(f"{self.paths[shard]}: the column '{self.column}' changed")
        table = table.select(expression)
        if self.rows_at_once:
            table = table.slice(first * self.rows_at_once, self.rows_at_once)
        return table.collect().to_series()

    def __getstate__(self) -> dict[str, Any]:  # a copy in another process reads for itself
        return {
            "paths": self.paths,
            "column": self.column,
            "rows_at_once": self.rows_at_once,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]


def rows_of(paths: Sequence[str], column: str) -> Rows:
    """Return the reader for these shards, by size: whole shards in memory, or groups of rows."""
    total = sum(os.path.getsize(path) for path in paths)
    return Rows(tuple(paths), column, None if total <= IN_MEMORY else GROUP)


def choose_columns(path: str, image: str | None, label: str | None, spec: str) -> tuple[str, str]:
    """Return the names of the image and the label column; raises UsageError listing all."""
    schema = guarded(lambda: scan(path).collect_schema(), spec, UsageError)
    images = [image] if image is not None else [*_IMAGES]
    labels = [label] if label is not None else [*_LABELS]
    chosen_image = next(
        (c for c in images if c in schema and image_expression(schema[c], c) is not None), None
    )
    chosen_label = next((c for c in labels if c in schema), None)
    listed = ", ".join(f"{name} ({dtype})" for name, dtype in list(schema.items())[:12])
    if chosen_image is None:
        near = did_you_mean(image, schema) if image is not None and image not in schema else ""
        raise UsageError(
            f"{spec}: no column of encoded images{f' called {image!r}' if image else ''}{near}; "
            f"found {listed}; expected binary, or a struct with the binary field 'bytes'; "
            f"name it: parquet:FILE(image=COLUMN)"
        )
    if chosen_label is None:
        near = did_you_mean(label, schema) if label is not None else ""
        raise UsageError(
            f"{spec}: no label column{f' called {label!r}' if label else ''}{near}; "
            f"found {listed}; name it: parquet:FILE(label=COLUMN)"
        )
    return chosen_image, chosen_label
