"""The records of one stress in two runs, on the images that both judged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from roadworthy.comparing.samples import Cells, Common
from roadworthy.errors import UsageError
from roadworthy.metrics.catalogue import usable
from roadworthy.stress.reference import clean_of, is_clean

BESIDE_VERDICTS = (
    *("content", "data", "model", "model_id", "modifier", "source", "request", "reason"),
    *("version", "pipeline", "precision", "frame_size", "borderline", "artifact"),
    *("steps_used", "queries", "forwards", "backwards"),
    *("family", "training", "pretraining", "parameters"),
)
"""Columns in which two records of one verdict may differ: who was asked for it, and how often."""

TOLERANCE = 1e-4
"""What another batch size may change in a float."""

Frames = tuple[pl.DataFrame, pl.DataFrame]


@dataclass(frozen=True)
class Both:
    """One cell in two runs: the usable records of the images that both judged, sorted by image.

    ``clean`` are those of the clean images that belong to it. ``whole`` says of each run whether
    these are all its usable records of the cell and of its clean images, ``same`` whether all that
    they measured is equal.
    """

    cells: Cells
    rows: Frames
    clean: Frames | None
    whole: tuple[bool, bool]
    same: bool

    def groups(self) -> Iterator[tuple[str, Frames]]:
        """Yield each variant by its key, before them all together under "" if there are several."""
        keys = self.rows[0]["variant"].unique(maintain_order=True).to_list()
        if len(keys) > 1:
            yield "", self.rows
        for key in keys:
            a, b = self.rows
            yield key, (_of(a, key), _of(b, key)) if len(keys) > 1 else self.rows


def read(common: Common, found: Sequence[Cells]) -> Iterator[Both]:
    """Yield the cells of one judge and data set, clean ones first, those without records left out.

    Raises UsageError where a stress has another definition in the two runs.
    """
    clean: dict[tuple[str, str], Both] = {}
    for cells in sorted(found, key=lambda pair: not is_clean(pair[0].stress)):
        one = _read(common, cells)
        if one is None:
            continue
        if is_clean(cells[0].stress):
            clean[cells[0].stress, cells[0].frame] = one
        reference = clean.get((clean_of(cells[0].stress), cells[0].frame))
        if reference is not None:
            whole = (one.whole[0] and reference.whole[0], one.whole[1] and reference.whole[1])
            same = one.same and reference.same
            one = replace(one, clean=reference.rows, whole=whole, same=same)
        yield one


def _read(common: Common, cells: Cells) -> Both | None:
    asked = common.asked_alike(cells)
    a, b = (
        usable(numbered.rows_of(cell)).with_columns(
            pl.col("variant").cast(pl.Categorical)  # a quarter of the memory
        )
        for numbered, cell in zip(common.numbered, cells, strict=True)
    )
    if a.is_empty() or b.is_empty():
        return None
    _check_versions(cells[0].stress, a["version"][0], b["version"][0])
    rows = (_within(a, b), _within(b, a))
    if rows[0].is_empty():
        return None
    whole = (asked[0] and len(rows[0]) == len(a), asked[1] and len(rows[1]) == len(b))
    return Both(cells, rows, None, whole, _same(*rows))


def _of(rows: pl.DataFrame, variant: str) -> pl.DataFrame:
    return rows.filter(pl.col("variant") == variant)


def _within(rows: pl.DataFrame, other: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of the samples that ``other`` has as well."""
    if rows["sample"].equals(other["sample"]):
        return rows
    return rows.join(
        other.select("sample").unique(), on="sample", how="semi", maintain_order="left"
    )


def _check_versions(stress: str, a: int | None, b: int | None) -> None:
    if a != b:
        older, newer = ("second", "first") if (a or 0) > (b or 0) else ("first", "second")
        raise UsageError(
            f"{stress} is of definition version {a} in the first run and {b} in the second, so they "
            f"did different things to the images; give the command of the {older} run again with "
            f"the roadworthy that made the {newer}"
        )


def _same(a: pl.DataFrame, b: pl.DataFrame) -> bool:
    """Whether two runs measured the same, floats up to what another batch size may change."""
    if len(a) != len(b):
        return False
    measured = [name for name in a.columns if name not in BESIDE_VERDICTS]
    floats = [n for n in measured if a.schema[n].is_float() or a.schema[n] == pl.List(pl.Float32)]
    exact = [name for name in measured if name not in floats]
    if not a.select(exact).equals(b.select(exact)):
        return False
    return all(_close(a[name], b[name]) for name in floats)


def _close(a: pl.Series, b: pl.Series) -> bool:
    if a.null_count() == len(a) == b.null_count():
        return True
    if isinstance(a.dtype, pl.List):
        if not a.list.len().equals(b.list.len()):
            return False
        a, b = a.explode(), b.explode()
    if not a.is_null().equals(b.is_null()):
        return False
    first, second = (s.drop_nulls().to_numpy() for s in (a, b))
    return bool(np.allclose(first, second, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True))
