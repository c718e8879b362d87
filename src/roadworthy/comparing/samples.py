"""The images that two runs have in common, and proof that they are the same images."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import polars as pl

from roadworthy.comparing.matching import Matched
from roadworthy.errors import UsageError
from roadworthy.run import CellRecord, Run


@dataclass(frozen=True)
class Common:
    """The samples of all cells that are compared, under one enumeration of their ids.

    An enumeration is as quick to group and join as numbers, and still prints the ids.
    """

    a: Run
    b: Run
    matches: list[Matched]
    _known: dict[tuple[str, str], pl.DataFrame] = field(default_factory=dict, repr=False)

    @cached_property
    def ids(self) -> pl.Enum:
        """All sample ids in order."""
        frames = [self.of(*cells)["sample"] for one in self.matches for cells in one.cells]
        return pl.Enum(pl.concat(frames).unique().sort())

    def of(self, a: CellRecord, b: CellRecord) -> pl.DataFrame:
        """Return sample, content and position of what both cells were asked for.

        Raises UsageError where images of one id differ, and where none is in both.
        """
        key = (a.manifest, b.manifest)
        if key not in self._known:
            self._known[key] = _common(self.a, a, self.b, b)
        return self._known[key]


def _common(run_a: Run, a: CellRecord, run_b: Run, b: CellRecord) -> pl.DataFrame:
    first, second = run_a.samples_of(a), run_b.samples_of(b)
    both = first.join(second, on="sample", suffix="_b").sort("sample")
    where = f"'{a.data}' of '{run_a.folder}' and '{b.data}' of '{run_b.folder}'"
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
    return both.select("sample", "content").with_row_index("position").cast({"position": pl.Int64})
