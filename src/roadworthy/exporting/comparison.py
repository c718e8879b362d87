"""A comparison of two runs as tables and as rows."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from roadworthy.comparing import text
from roadworthy.comparing.result import Comparison
from roadworthy.errors import UsageError
from roadworthy.exporting import rows
from roadworthy.exporting.choice import Choice
from roadworthy.exporting.formats import Format
from roadworthy.exporting.headline import with_names
from roadworthy.exporting.latex import latex
from roadworthy.report.blocks import Column, Entry, Group, Row, Table
from roadworthy.report.names import model_names, pathless

NAMES = ("model_a", "model_b", "data_a", "data_b", "source", "stress", "variant", "metric")
ENDS = ("a", "b", "difference")
SCHEMA = pl.Schema(
    {
        **dict.fromkeys((*NAMES, "unit", "direction"), pl.String),
        **dict.fromkeys((f"{n}{end}" for n in ENDS for end in ("", "_low", "_high")), pl.Float64),
        "better": pl.String,
        **dict.fromkeys(("n", "version"), pl.Int64),
    }
)


def rows_of(found: Comparison) -> pl.DataFrame:
    """Return the differences of a comparison, a row a metric: ``a``, ``a_low``, ``a_high`` and so on."""
    flat = []
    for one in found.differences:
        row = dict(one.as_dict())
        for name in ENDS:
            row[name], row[f"{name}_low"], row[f"{name}_high"] = row[name]
        flat.append(row)
    return pl.DataFrame(flat, schema=SCHEMA)


def text_of(found: Comparison, form: Format, choice: Choice) -> str:
    """Return a comparison in a text format; raises UsageError for what a comparison is not."""
    if choice != Choice():
        raise UsageError("a comparison is exported whole: give neither model, metrics nor section")
    match form:
        case "md":
            return text.lines(found)
        case "latex":
            return "\n".join(_latex(found))
        case "csv":
            return rows.csv(rows_of(found))
        case "json":
            return rows.as_json(rows_of(found).to_dicts())
    if form == "parquet":
        raise UsageError("parquet is no text: name the file to write with -o FILE")
    raise UsageError(
        f"a comparison has no {form}; it goes as html, md, latex, csv, json or parquet"
    )


def _latex(found: Comparison) -> Iterator[str]:
    """Yield every table; what is said in words stands in front of the first one, as comments."""
    a, b = found.folders
    both = (model for one in found.differences for model in one.place.models)
    models = model_names(both, 40)
    notes = [f"A is {a}, B is {b}", *text.sentences(found), *found.notes]
    notes = [with_names(note, models) for note in notes]
    for place, block in enumerate(text.blocks(found), 1):
        columns = [Column(head, number=i >= block.left) for i, head in enumerate(block.heads)]
        lines = [
            Row([Entry(cell, number=i >= block.left) for i, cell in enumerate(line)])
            for line in block.rows
        ]
        caption = "Differences are B minus A, with paired 95 % intervals" if place == 1 else ""
        title = pathless(with_names(block.title, models))
        table = Table(columns, [Group("", lines)], caption, title)
        yield latex(table, label=f"tab:comparison-{place}", notes=notes if place == 1 else ())
