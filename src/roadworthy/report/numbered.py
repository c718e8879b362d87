"""The records of a run with its samples as numbers: what many metrics sort and join by costs once."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field

import polars as pl

from roadworthy.engine.parts import IMAGE
from roadworthy.metrics.catalogue import OF_TARGETS
from roadworthy.metrics.seen import says_one_thing
from roadworthy.run import CellRecord, Run


@dataclass(frozen=True)
class _Stood:
    """What rows of a list of samples stand for: their numbers, and whether these were asked for.

    ``standing`` tells that others stand as these do before they are read, see `Run.standing`.
    """

    standing: str | None
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
    _images: dict[tuple[str, str], pl.DataFrame] = field(default_factory=dict)

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
        rows, stood = self._standing(cell)
        rows = _slim(rows, self.run.constants(cell))
        if "content" in self.without:
            rows = rows.drop("content", strict=False)
        elif "content" not in rows.columns:
            rows.insert_column(0, stood.content)
        rows = rows.drop("sample", strict=False).insert_column(0, stood.number)
        if not stood.asked.all():
            rows = rows.filter(stood.asked)
        return rows.sort("sample", maintain_order=True)

    def _read(self, cell: CellRecord, without: Sequence[str] = ()) -> pl.DataFrame:
        without = (*without, *(name for name in self.without if name not in IMAGE))
        if not self.without:
            return self.run.unordered(cell, without=without)
        rows = self.run.unordered(cell, without=(*without, *OF_TARGETS))
        if rows["target"].null_count() < len(rows):
            return self.run.unordered(cell, without=without)
        return rows

    def _standing(self, cell: CellRecord) -> tuple[pl.DataFrame, _Stood]:
        """Read the rows of a cell, and look their samples up if they stand otherwise than those before.

        Rows that are known to stand as those before come without samples, and contents.
        """
        key, standing = (cell.data, cell.manifest), self.run.standing(cell)
        before = self._stood.get(key)
        if before and standing and before.standing == standing:
            rows = self._read(cell, IMAGE)
            if self.run.standing(cell) == standing:  # nobody put another file there meanwhile
                return rows, before
        standing, rows = self.run.standing(cell), self._read(cell)
        if self.run.standing(cell) != standing:
            standing = None
        sample, content = rows["sample"], rows["content"]
        if before and before.sample.equals(sample) and before.content.equals(content):
            return rows, before
        ids = self.ids(cell.data)
        number = sample.cast(pl.Enum(ids), strict=False).to_physical().cast(pl.UInt32)
        asked = (content == self.images(cell)["content"].gather(number)).fill_null(value=False)
        self._stood[key] = _Stood(standing, sample, content, number, asked)
        return rows, self._stood[key]

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

    def images(self, cell: CellRecord) -> pl.DataFrame:
        """Return sample and content of each image by its number; content null if not asked for."""
        key = (cell.data, cell.manifest)
        if key not in self._images:
            self._images[key] = self._asked(cell)
        return self._images[key]

    def _asked(self, cell: CellRecord) -> pl.DataFrame:
        manifest, ids = self.run.manifest(cell.manifest), self.ids(cell.data).to_frame()
        if manifest is None:
            return ids.with_columns(content=pl.lit(None, pl.String))
        once = manifest.unique("sample", keep="first").select("sample", "content")
        return ids.join(once, on="sample", how="left", maintain_order="left")


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
