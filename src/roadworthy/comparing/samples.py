"""The images that two runs have in common, and proof that they are the same images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

from roadworthy.comparing.matching import Matched
from roadworthy.errors import RoadworthyError, UsageError
from roadworthy.report.numbered import Numbered
from roadworthy.run import CellRecord, Run

Cells = tuple[CellRecord, CellRecord]


@dataclass(frozen=True)
class Common:
    """The records of two runs with one number for each sample, in the order of their ids."""

    runs: tuple[Run, Run]
    numbered: tuple[Numbered, Numbered]
    _asked: dict[tuple[str, str], tuple[bool, bool]] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, a: Run, b: Run, matches: Sequence[Matched]) -> Common:
        """Number the samples of all data sets that are compared."""
        apart = (Numbered(a), Numbered(b))
        ids: tuple[dict[str, pl.Series], dict[str, pl.Series]] = ({}, {})
        for one in matches:
            both = [n.ids(data) for n, data in zip(apart, one.data, strict=True)]
            known = pl.concat(both).unique().sort()
            for side in (0, 1):
                ids[side][one.data[side]] = known
        return cls((a, b), (Numbered(a, _ids=ids[0]), Numbered(b, _ids=ids[1])))

    def ids(self, cells: Cells) -> pl.Series:
        """Return the ids of the samples of a data set; their numbers index it."""
        return self.numbered[0].ids(cells[0].data)

    def asked_alike(self, cells: Cells) -> tuple[bool, bool]:
        """Return of each run whether its cell was asked for no other samples than that of the other.

        Raises UsageError where images of one id differ, and where none is in both.
        """
        key = (cells[0].manifest, cells[1].manifest)
        if key not in self._asked:
            self._asked[key] = _asked_alike(self.runs, cells)
        return self._asked[key]


def _asked_alike(runs: tuple[Run, Run], cells: Cells) -> tuple[bool, bool]:
    first, second = (_manifest(run, cell) for run, cell in zip(runs, cells, strict=True))
    both = first.join(second, on="sample", suffix="_b").sort("sample")
    (a, b), (of_a, of_b) = cells, runs
    where = f"'{a.data}' of '{of_a.folder}' and '{b.data}' of '{of_b.folder}'"
    if both.is_empty():
        raise UsageError(
            f"{where} have no image in common ({first.height} and {second.height} images), so "
            f"nothing can be compared pair by pair; judge both models on the same data"
        )
    other = both.filter(pl.col("content") != pl.col("content_b"))
    if len(other):
        raise UsageError(
            f"{where} are not the same data: {len(other)} of {len(both)} images of one name have "
            f"other bytes or another label, '{other['sample'][0]}' for one; judge both models on "
            f"the same data"
        )
    return len(both) == first.height, len(both) == second.height


def _manifest(run: Run, cell: CellRecord) -> pl.DataFrame:
    manifest = run.manifest(cell.manifest)
    if manifest is None:
        raise RoadworthyError(
            f"the list of samples of '{cell.data}' in '{run.folder}' is missing or damaged; the "
            f"command of that run writes it again"
        )
    return manifest
