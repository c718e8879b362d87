"""The samples of each model and data set with everything that may put them into groups."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from roadworthy.errors import RoadworthyError
from roadworthy.report.attributes import columns_of
from roadworthy.report.evidence import Evidence
from roadworthy.report.names import axis_of
from roadworthy.report.parts import part_of
from roadworthy.report.statistics import statistics
from roadworthy.stress.reference import is_clean

MOST_MEASURED = 1000
"""So many images are looked at, the first of the run: they are a fair sample of all."""
MOST_ROWS = 500_000
"""Up to so many records under corruptions are read for the page."""


@dataclass(frozen=True)
class Grouped:
    """The samples of one model on one data set; ``name`` is the model's where there are several."""

    title: str
    name: str
    samples: pl.DataFrame
    notes: Sequence[str]


def grouped(evidence: Evidence) -> Iterator[Grouped]:
    """Yield the samples of each model and data set, with their attributes as columns."""
    try:
        clean = evidence.view.rows(lambda stress: stress == "clean" or is_clean(stress))
    except RoadworthyError:
        return
    stressed = _stressed(evidence)
    known: dict[str, tuple[pl.DataFrame, list[str]]] = {}
    several = len(evidence.models) > 1
    usable = clean.filter((pl.col("status") == "ok") & pl.col("correct").is_not_null())
    own = usable.filter(
        (pl.col("source").is_null()) & (pl.col("precision").fill_null("fp32") == "fp32")
    )
    for (model, data), rows in own.partition_by(
        ["model", "data"], as_dict=True, maintain_order=True
    ).items():
        if part_of(str(data)) is not None:
            continue
        rows = rows.unique("sample", keep="first", maintain_order=True)
        if str(data) not in known:
            known[str(data)] = _attributes(evidence, str(data), rows)
        attributes, notes = known[str(data)]
        samples = rows.select("sample", "label", "correct", "chroma", "downscale").rename(
            {"chroma": "colour in the file", "downscale": "shrunk by"}
        )
        samples = samples.join(attributes, on="sample", how="left", maintain_order="left")
        samples = samples.join(
            _of(stressed, str(model), str(data)), on="sample", how="left", maintain_order="left"
        )
        name = evidence.models.get(str(model), str(model)) if several else ""
        title = evidence.who(str(model), str(data), "")
        yield Grouped(title, name, samples, notes)


def _attributes(
    evidence: Evidence, data: str, rows: pl.DataFrame
) -> tuple[pl.DataFrame, list[str]]:
    """Return sample and its attributes, beside what the records hold, and what to say of them."""
    view, notes = evidence.view, []
    looked = rows.select("sample", "content").head(MOST_MEASURED)
    measured = statistics(view.cache, looked.rows(), lambda sample: view.image(data, sample))
    if measured.is_empty():
        notes.append("The images are no longer where they were, so nothing was measured of them.")
    elif len(rows) > len(looked):
        notes.append(f"Brightness, sharpness and size are those of the first {len(looked)} images.")
    pictures = looked.join(measured, on="content", how="left", maintain_order="left").drop(
        "content"
    )
    columns = columns_of(view.listed(data))
    taken = [name for name in columns.columns if name in pictures.columns and name != "sample"]
    columns = columns.rename({name: f"{name} (of the data)" for name in taken})
    return rows.select("sample").join(columns, on="sample", how="left", maintain_order="left").join(
        pictures, on="sample", how="left", maintain_order="left"
    ), notes


def _stressed(evidence: Evidence) -> pl.DataFrame:
    """Return model, data, sample with right pictures and pictures under corruptions; empty if too many."""
    cells = [c for c in evidence.cells if c.axis == "corruption" and not c.pooled]
    nothing = pl.DataFrame(
        schema={
            "model": pl.String,
            "data": pl.String,
            "sample": pl.String,
            "stressed": pl.Float64,
            "pictures": pl.Float64,
        }
    )
    if not cells or sum(cell.n for cell in cells) > MOST_ROWS:
        return nothing
    try:
        rows = evidence.view.rows(lambda stress: axis_of(stress) == "corruption")
    except RoadworthyError:
        return nothing
    judged = rows.filter((pl.col("status") == "ok") & pl.col("correct").is_not_null())
    return judged.group_by("model", "data", "sample").agg(
        stressed=pl.col("correct").sum().cast(pl.Float64), pictures=pl.len().cast(pl.Float64)
    )


def _of(stressed: pl.DataFrame, model: str, data: str) -> pl.DataFrame:
    own = stressed.filter((pl.col("model") == model) & (pl.col("data") == data))
    return own.select("sample", "stressed", "pictures")
