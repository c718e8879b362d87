"""Parquet shards: their image column, read row by row in any order."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import polars as pl

from roadworthy.data.columns import guarded, image_expression, scan
from roadworthy.errors import SampleError
from roadworthy.types import Sample

IN_MEMORY = 1 << 29
"""Bytes of shards up to which whole image columns are kept in memory; larger sets go in groups."""

GROUP = 128  # rows read together in a larger set
CACHED_GROUPS = 1 << 28  # bytes of groups kept


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
