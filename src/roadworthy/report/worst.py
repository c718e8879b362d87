"""The worst images of a run, for the summary: most confidently wrong, and broken by a stress."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from roadworthy.report.judgements import judgements
from roadworthy.report.names import AXES, axis_of
from roadworthy.run import CellRecord

EACH = 6
"""Images in each group."""
MANY = 1000
"""Rows from which on only the most confident are put in order."""
CONFIDENT, FLIPPED = "confident", "flipped"

_COLUMNS = (
    "sample",
    "variant",
    "frame",
    "label",
    "pred",
    "conf",
    "pipeline",
    "artifact",
    "content",
)
_FROM_CLEAN = ("clean_pred", "clean_conf", "clean_pipeline")
_ORDER = ("conf", "model", "data", "sample", "stress", "variant")


@dataclass
class WorstImages:
    """Candidates by axis and kind; an image is shown once for each axis."""

    found: dict[tuple[str, str], list[dict[str, Any]]] = field(default_factory=dict)

    def add(
        self,
        cell: CellRecord,
        model: str,
        judged: pl.DataFrame,
        clean: pl.DataFrame | None,
        ids: pl.Series,
    ) -> None:
        """Keep the worst of a cell; ``judged`` are `judgements`, ``clean`` the records unstressed.

        Samples are numbers that index ``ids``.
        """
        wrong = judged.filter(~pl.col("correct") & pl.col("conf").is_not_nan()).select(_COLUMNS)
        if wrong.is_empty():
            return
        axis = axis_of(cell.stress)
        joined = _with_clean(wrong, None if axis == "clean" else clean)
        groups = {CONFIDENT: joined}
        if axis != "clean":
            groups[FLIPPED] = joined.filter("clean_correct")
        for kind, rows in groups.items():
            # twice as many as are shown: other stresses may have the same images
            best = _first(rows.drop("clean_correct"), 2 * EACH)
            named = best.with_columns(sample=ids.gather(best["sample"]))
            key = {"model": model, "data": cell.data, "stress": cell.stress}
            self.found.setdefault((axis, kind), []).extend(
                {**key, **row} for row in named.to_dicts()
            )

    def results(self) -> list[dict[str, Any]]:
        """Return the images of each axis and kind, the most confident first, each image once.

        Of those that a stress broke there are twice as many as are shown, as some are shown already.
        """
        return [
            {"axis": axis, "kind": kind, **_rounded(row)}
            for axis in AXES
            for kind in (CONFIDENT, FLIPPED)
            for row in _distinct(self.found.get((axis, kind), ()))[: EACH * (1 + (kind == FLIPPED))]
        ]


def _distinct(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows by falling confidence, those of an image once."""
    ordered = sorted(rows, key=lambda row: (-row["conf"], *(row[name] for name in _ORDER[1:])))
    first: dict[tuple[str, str], dict[str, Any]] = {}
    for row in ordered:
        first.setdefault((row["data"], row["sample"]), row)
    return list(first.values())


def _with_clean(wrong: pl.DataFrame, clean: pl.DataFrame | None) -> pl.DataFrame:
    """Return the rows with what the model said of the clean image."""
    if clean is None:
        empty = [pl.lit(None).alias(name) for name in _FROM_CLEAN]
        return wrong.with_columns(*empty, clean_correct=pl.lit(False))
    unstressed = judgements(clean).unique("sample", keep="first", maintain_order=True)
    before = unstressed.select(
        "sample",
        clean_pred="pred",
        clean_conf="conf",
        clean_pipeline="pipeline",
        clean_correct="correct",
    )
    return wrong.join(before, on="sample", how="left", maintain_order="left").with_columns(
        pl.col("clean_correct").fill_null(value=False)
    )


def _first(rows: pl.DataFrame, most: int) -> pl.DataFrame:
    """Return the most confident row of each sample, at most so many."""
    if len(rows) > MANY:  # sorting all of them takes long, and a few among the first are enough
        near = rows.filter(pl.col("conf") >= rows["conf"].top_k(MANY).min())
        rows = near if near["sample"].n_unique() >= most else rows
    ordered = rows.sort("conf", "sample", "variant", descending=[True, False, False])
    return ordered.unique("sample", keep="first", maintain_order=True).head(most)


def _rounded(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: float(f"{value:.4g}") if isinstance(value, float) else value
        for name, value in row.items()
    }
