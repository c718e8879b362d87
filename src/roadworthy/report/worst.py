"""The worst images of a run, for the summary: most confidently wrong, and broken by a stress."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from roadworthy.metrics.seen import once
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
        images: pl.DataFrame,
    ) -> None:
        """Keep the worst of a cell; ``judged`` are `judgements`, ``clean`` the records unstressed.

        Samples are numbers of rows of ``images``, which have sample and content.
        """
        wrong = ~judged["correct"].to_numpy()
        if not wrong.any():
            return
        axis = axis_of(cell.stress)
        before = None if axis == "clean" or clean is None else _before(clean)
        groups = {CONFIDENT: wrong & judged["conf"].is_not_null().to_numpy()}
        if axis != "clean":
            groups[FLIPPED] = wrong & _was_right(judged["sample"], before, len(images))
        told = judged.select(_COLUMNS)
        for kind, chosen in groups.items():
            # twice as many as are shown: other stresses may have the same images
            best = _with_clean(_first(told, chosen, 2 * EACH), before)
            named = best.with_columns(images[best["sample"]])
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
    ordered = sorted(rows, key=lambda row: (-_known(row["conf"]), *(row[n] for n in _ORDER[1:])))
    first: dict[tuple[str, str], dict[str, Any]] = {}
    for row in ordered:
        first.setdefault((row["data"], row["sample"]), row)
    return list(first.values())


def _known(conf: float | None) -> float:
    """Return a confidence, and less than any where a model says labels alone."""
    return -1.0 if conf is None else conf


def _before(clean: pl.DataFrame) -> pl.DataFrame:
    """Return what the model said of each unstressed image."""
    return once(clean, "before", lambda: _unstressed(clean))


def _unstressed(clean: pl.DataFrame) -> pl.DataFrame:
    first = judgements(clean).unique("sample", keep="first", maintain_order=True)
    names = {f"clean_{name}": name for name in ("pred", "conf", "pipeline", "correct")}
    return first.select("sample", **names)


def _was_right(sample: pl.Series, before: pl.DataFrame | None, count: int) -> NDArray[np.bool_]:
    """Return whether the model was right on each image unstressed; samples are below ``count``."""
    right = np.zeros(count, bool)
    if before is not None:
        right[before["sample"].to_numpy()] = before["clean_correct"].to_numpy()
    found: NDArray[np.bool_] = right[sample.to_numpy()]
    return found


def _with_clean(wrong: pl.DataFrame, before: pl.DataFrame | None) -> pl.DataFrame:
    """Return the rows with what the model said of the clean image."""
    if before is None:
        return wrong.with_columns(pl.lit(None).alias(name) for name in _FROM_CLEAN)
    # a few of many: a join would look at all of them
    said = before.select("sample", *_FROM_CLEAN).filter(
        pl.col("sample").is_in(wrong["sample"].implode())
    )
    return wrong.join(said, on="sample", how="left", maintain_order="left")


def _first(rows: pl.DataFrame, chosen: NDArray[np.bool_], most: int) -> pl.DataFrame:
    """Return the most confident of the ``chosen`` rows of each sample, at most so many."""
    place, conf = np.flatnonzero(chosen), rows["conf"].fill_null(-1.0).to_numpy()[chosen]
    if len(place) > MANY:  # sorting all of them takes long, and a few among the first are enough
        near = place[conf >= np.partition(conf, -MANY)[-MANY]]
        place = near if rows["sample"].gather(near).n_unique() >= most else place
    ordered = rows[place].sort(
        "conf", "sample", "variant", descending=[True, False, False], nulls_last=True
    )
    return ordered.unique("sample", keep="first", maintain_order=True).head(most)


def _rounded(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: float(f"{value:.4g}") if isinstance(value, float) else value
        for name, value in row.items()
    }
