"""The records of a run with its samples as numbers: what many metrics sort and join by costs once."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field

import polars as pl

from roadworthy.metrics.catalogue import OF_TARGETS
from roadworthy.metrics.seen import says_one_thing
from roadworthy.run import CellRecord, Run


@dataclass(frozen=True)
class _Stood:
    """What rows of a list of samples stand for: their numbers, and whether these were asked for."""

    sample: pl.Series
    content: pl.Series
    number: pl.Series
    asked: pl.Series


@dataclass
class Numbered:
    """Records whose samples are numbers, in the order of the ids of each data set."""

    run: Run
    without: tuple[str, ...] = ()
    _ids: dict[str, pl.Series] = field(default_factory=dict)
    _stood: dict[tuple[str, str], _Stood] = field(default_factory=dict)

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

        They are those of `Run.rows_of` but for the columns ``without`` and, where ``without`` names
        any, those that are of use with targets only. Columns that say the same in every row are kept
        as one value.
        """
        rows = self._read(cell)
        stood = self._standing(cell, rows)
        rows = _slim(rows, self.run.constants(cell)).with_columns(sample=stood.number)
        if not stood.asked.all():
            rows = rows.filter(stood.asked)
        return rows.sort("sample", maintain_order=True)

    def _read(self, cell: CellRecord) -> pl.DataFrame:
        if not self.without:
            return self.run.unordered(cell)
        rows = self.run.unordered(cell, without=(*self.without, *OF_TARGETS))
        if rows["target"].null_count() < len(rows):
            return self.run.unordered(cell, without=self.without)
        return rows

    def _standing(self, cell: CellRecord, rows: pl.DataFrame) -> _Stood:
        """Look the samples of ``rows`` up, if they do not stand as those of the cell before did."""
        sample, content, key = rows["sample"], rows["content"], (cell.data, cell.manifest)
        before = self._stood.get(key)
        if before and before.sample.equals(sample) and before.content.equals(content):
            return before
        ids = self.ids(cell.data)
        number = sample.cast(pl.Enum(ids), strict=False).to_physical().cast(pl.UInt32)
        asked = (content == self._contents(cell).gather(number)).fill_null(value=False)
        self._stood[key] = _Stood(sample, content, number, asked)
        return self._stood[key]

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


def _slim(rows: pl.DataFrame, known: Collection[str]) -> pl.DataFrame:
    """Keep columns of one value as that value: filtering and sorting them then costs nothing.

    Those that are ``known`` are kept so already.
    """
    if rows.is_empty():
        return rows
    return rows.with_columns(
        pl.lit(rows[name][0], dtype=dtype).alias(name)
        for name, dtype in rows.schema.items()
        if name not in known and says_one_thing(rows[name])
    )
