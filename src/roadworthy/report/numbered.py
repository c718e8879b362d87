"""The records of a run with its samples as numbers: what many metrics sort and join by costs once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field

import polars as pl

from roadworthy.run import CellRecord, Run

UNLIKE = ("sample", "content", "variant", "top5")
"""Columns that are never worth a look for whether they say the same in every row."""


@dataclass
class Numbered:
    """Records whose samples are numbers, in the order of the ids of each data set."""

    run: Run
    _ids: dict[str, pl.Series] = field(default_factory=dict)

    def ids(self, data: str) -> pl.Series:
        """Return the ids of the samples of a data set that some cell asked for; their numbers index it."""
        if data not in self._ids:
            listed = [
                frame["sample"]
                for name in dict.fromkeys(c.manifest for c in self.run.cells if c.data == data)
                if (frame := self.run.manifest(name)) is not None
            ]
            known = pl.concat(listed) if listed else pl.Series("sample", [], pl.String)
            self._ids[data] = known.unique().sort()
        return self._ids[data]

    def rows_of(self, cell: CellRecord) -> pl.DataFrame:
        """Return the records of a cell by number of the sample, then in the order they were made.

        They are those of `Run.rows_of`. Columns that say the same in every row are kept as one value.
        """
        rows = self.run.unordered(cell)
        ids = self.ids(cell.data)
        place = rows["sample"].cast(pl.Enum(ids), strict=False).to_physical().cast(pl.UInt32)
        asked = self._contents(cell).gather(place)
        kept = (rows["content"] == asked).fill_null(value=False)
        rows = _slim(rows).with_columns(sample=place)
        if not kept.all():
            rows = rows.filter(kept)
        return rows.sort("sample", maintain_order=True)

    def ahead(
        self, cells: Sequence[CellRecord], pool: Executor
    ) -> Iterator[tuple[CellRecord, pl.DataFrame]]:
        """Yield each cell with its records, which are read while those before are worked on."""
        for cell in cells:
            self.ids(cell.data)  # not by two threads at once
        coming = [pool.submit(self.rows_of, cell) for cell in cells[:1]]
        for number, cell in enumerate(cells):
            records = coming.pop().result()
            if number + 1 < len(cells):
                coming.append(pool.submit(self.rows_of, cells[number + 1]))
            yield cell, records

    def _contents(self, cell: CellRecord) -> pl.Series:
        """Return the content of each sample that a cell asked for, null for others."""
        manifest = self.run.manifest(cell.manifest)
        ids = self.ids(cell.data).to_frame()
        if manifest is None:
            return pl.repeat(None, len(ids), dtype=pl.String, eager=True)
        once = manifest.unique("sample", keep="first")
        return ids.join(once, on="sample", how="left", maintain_order="left")["content"]


def _slim(rows: pl.DataFrame) -> pl.DataFrame:
    """Keep columns of one value as that value: filtering and sorting them then costs nothing."""
    if rows.is_empty():
        return rows
    return rows.with_columns(
        pl.lit(rows[name][0], dtype=dtype).alias(name)
        for name, dtype in rows.schema.items()
        if _same(rows[name], name)
    )


def _same(column: pl.Series, name: str) -> bool:
    nulls = column.null_count()
    if nulls or name in UNLIKE or column.dtype.is_nested():
        return nulls == len(column)
    return bool((column == column[0]).all())
