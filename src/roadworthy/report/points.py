"""From cells and records to the points of a chart."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from roadworthy.report.cells import Cell, label_of
from roadworthy.report.names import AXES, axis_of, short_names
from roadworthy.report.reading import Reading
from roadworthy.report.style import Point

if TYPE_CHECKING:
    import polars as pl

Who = Callable[[str, str, str], str]
"""(model, data, source) -> what tells them apart in this report; empty where nothing varies."""

_EPS = re.compile(r"\beps=(\d+(?:\.\d+)?)(?:/(\d+))?")
_SEVERITY = re.compile(r"\bseverity=(\d+)")
BINS = 10
_STRESSED = "under stress"


def who_of(cells: Sequence[Cell]) -> Who:
    """Return how to name a judge: by model and data set, each only where there are several."""
    models = short_names([cell.model for cell in cells] + [cell.source for cell in cells], 32)
    data = short_names([cell.data for cell in cells], 28)
    several = [len({getattr(cell, name) for cell in cells}) > 1 for name in ("model", "data")]

    def who(model: str, dataset: str, source: str = "") -> str:
        names = [models.get(model, model)] * several[0] + [data.get(dataset, dataset)] * several[1]
        if source and source != model:
            names.append(f"made on {models.get(source, source)}")
        return " · ".join(names)

    return who


def point(reading: Reading, *, label: str, series: str, x: float | None = None) -> Point:
    """Return one point of a chart with the text its tooltip shows."""
    return {
        "label": label,
        "series": series,
        "x": x,
        "value": reading.value,
        "low": reading.low,
        "high": reading.high,
        "text": reading.full,
        "n": reading.n,
    }


def eps_of(cell: Cell) -> float | None:
    """Return the budget of an attack: in 1/255 for Linf, in pixel values of [0, 1] for L2."""
    found = _EPS.search(cell.variant) or _EPS.search(cell.stress)
    if found is None:
        return None
    value = float(found[1]) / float(found[2] or 1) if float(found[2] or 1) else 0.0
    return value * 255 if norm_of(cell) == "Linf" else value


def norm_of(cell: Cell) -> str:
    """Return the norm of an attack, Linf where the spec does not say."""
    return "L2" if re.search(r"\bnorm=L2\b", f"{cell.stress} {cell.variant}") else "Linf"


def severity_of(cell: Cell) -> float | None:
    """Return the severity of a corruption, None for a strength given by name."""
    found = _SEVERITY.search(cell.variant) or _SEVERITY.search(cell.stress)
    return float(found[1]) if found else None


def family_of(cell: Cell) -> str:
    """Return the stress without its level, so that all levels lie on one line."""
    return family(cell.stress)


def family(stress: str) -> str:
    """Return a spec without its level."""
    text = re.sub(r"\b(?:eps|severity)=(?:\[[^\]]*\]|[^,()]*)(?:,\s*)?", "", stress)
    return re.sub(r",\s*\)", ")", text).replace("()", "")


def frame_points(flat: pl.DataFrame, who: Who) -> list[Point]:
    """Return accuracy over the frames of each sequence; each sample has one row per frame."""
    import polars as pl

    keys = ["model", "data", "source", "stress", "variant"]
    sequences = flat.filter(pl.col("frame").is_not_null())
    shares = (
        sequences.group_by(*keys, "frame", maintain_order=True)
        .agg(share=pl.col("correct").mean(), n=pl.col("sample").n_unique())
        .sort(*keys, "frame", maintain_order=True)
    )
    points = []
    for row in shares.iter_rows(named=True):
        name = " · ".join(
            filter(None, (_who(who, row), label_of(row["stress"] or "", row["variant"] or "")))
        )
        reading = percent(row["share"], row["n"])
        points.append(
            point(reading, label=f"frame {row['frame']}", series=name, x=float(row["frame"]))
        )
    return points


def reliability_points(flat: pl.DataFrame, who: Who) -> list[Point]:
    """Return accuracy over mean confidence in ten bins, one series per judge and axis.

    With several judges the stresses are pooled, lest the chart be full of lines.
    """
    import polars as pl

    known = flat.filter(pl.col("conf").is_between(0, 1))
    several = len({who(*key) for key in known.select("model", "data").unique().iter_rows()}) > 1
    axes = {stress: axis_of(stress) for stress in known["stress"].drop_nulls().unique()}
    if several:
        axes = {stress: axis if axis == "clean" else _STRESSED for stress, axis in axes.items()}
    order = {axis: i for i, axis in enumerate((*AXES, _STRESSED))}
    binned = known.with_columns(
        axis=pl.col("stress").replace_strict(axes, default="other", return_dtype=pl.String),
        bin=(pl.col("conf") * BINS).floor().clip(0, BINS - 1).cast(pl.Int32),
    )
    keys = ["model", "data", "source", "axis"]
    found = binned.group_by(*keys, "bin").agg(
        conf=pl.col("conf").cast(pl.Float64).mean(),
        share=pl.col("correct").mean(),
        n=pl.col("sample").n_unique(),
    )
    rows = sorted(
        found.iter_rows(named=True),
        key=lambda r: (r["model"] or "", r["data"] or "", order[r["axis"]], r["bin"]),
    )
    points = []
    for row in rows:
        series = " · ".join(filter(None, (_who(who, row), AXES.get(row["axis"], _STRESSED))))
        label = f"confidence {row['bin'] * BINS} to {(row['bin'] + 1) * 100 // BINS} %"
        reading = percent(row["share"], row["n"])
        points.append(point(reading, label=label, series=series, x=100 * row["conf"]))
    return points


def percent(share: float, n: int) -> Reading:
    """Return a share as percent with its Wilson interval; ``n`` is the number of distinct samples.

    Where a sample has several rows this counts it once, which errs on the wide side.
    """
    from roadworthy.metrics.interval import wilson

    low, high = wilson(share * n, n)
    return Reading(100 * share, 100 * float(low), 100 * float(high), "percent", n)


def _who(who: Who, row: dict[str, str | None]) -> str:
    return who(row["model"] or "", row["data"] or "", row["source"] or "")
