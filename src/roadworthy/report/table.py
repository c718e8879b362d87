"""The summary as a table: for a terminal, and as plain lines for a pipe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from roadworthy.errors import UsageError
from roadworthy.report.alike import alike_notes
from roadworthy.report.cells import Cell, cells, distinct, entries, text_of
from roadworthy.report.columns import COLUMNS, fit, metrics_of, reading_in, shown_text
from roadworthy.report.matrix import own_cells
from roadworthy.report.names import short_names
from roadworthy.report.pipelines import pipeline_notes
from roadworthy.report.warned import warnings
from roadworthy.spec import Spec, parse

if TYPE_CHECKING:
    from rich.table import Table

PROTOCOL = ("frame", "store")
MANY = 40
"""More rows than this do not fit on a screen."""


def table(summary: Mapping[str, Any], *, width: int = 100) -> Table:
    """Return the headline metrics as a rich table of at most ``width`` characters, 60 and up.

    One row per model, data set, stress and variant; columns that would be the same in every row
    are named in the title instead. Where the width is short, intervals and then whole metrics go
    from the right, never top-1 and its interval. Pairs that could not run stand below with their
    reasons. Where there are very many rows, those of single variants (severities) stay out.
    """
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    every = own_cells(cells(summary))
    found = fitting(every)
    naming = [name for name in ("model", "data") if _varies(found, name)]
    counts = ["n", "failed"][: 1 + any(cell.failed for cell in found)]
    columns, room = fit(found, len(naming) + 1, 7 * len(counts) + 2, width)
    result = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, title_justify="left")
    result.title, result.title_style = Text(_title(found, naming), style="bold"), "bold"
    for name in (*naming, "stress"):
        result.add_column(name, overflow="fold")
    for heading in (*(COLUMNS[metric] for metric, _ in columns), *counts):
        result.add_column(heading, justify="right", no_wrap=True)
    labels = _labels([cell.label for cell in found])
    names = [short_names([getattr(cell, name) for cell in found], room) for name in naming]
    stresses = short_names(list(labels.values()), room)
    for cell in found:
        texts = [short[getattr(cell, name)] for name, short in zip(naming, names, strict=False)]
        texts.append(f"  {cell.variant}" if cell.nested else stresses[labels[cell.label]])
        texts[-1] += made_by(cell)
        texts += [shown_text(cell, metric, wide) for metric, wide in columns]
        texts += [str(getattr(cell, name)) for name in counts]
        result.add_row(*(Text(text) for text in texts))
    below = [*left_out(every, found), *remarks(summary, found)]
    result.caption, result.caption_justify = Text("\n".join(below)), "left"
    return result


def lines(summary: Mapping[str, Any]) -> str:
    """Return the headline metrics as a Markdown table with full names, ending in a newline.

    Pairs that could not run are rows with ``n/a``; their reasons follow the table. Where there are
    very many rows, those of single variants stay out.
    """
    every = own_cells(cells(summary))
    found = fitting(every)
    metrics = metrics_of(found)
    missing = entries(summary, "unavailable")
    naming = [name for name in ("model", "data") if _varies(found, name) or not found]
    keys = [*naming, "stress", "variant"]
    body = [
        [
            *(getattr(cell, key) + (made_by(cell) if key == "stress" else "") for key in keys),
            *(reading_in(cell, metric).full for metric in metrics),
            str(cell.n),
            str(cell.failed),
        ]
        for cell in found
    ]
    shown = {(cell.model, cell.data, cell.stress) for cell in found}
    for entry in missing:
        if tuple(text_of(entry, key) for key in ("model", "data", "stress")) in shown:
            continue  # a suite, of which only some metrics are missing
        named = [text_of(entry, key) for key in keys]
        body.append([*named, *("n/a" for _ in metrics), "0", "0"])
    heads = [*keys, *(COLUMNS[metric] for metric in metrics), "n", "failed"]
    parts = [_title(found, naming), "", *_markdown(heads, body, left=len(keys))]
    below = [*left_out(every, found), *remarks(summary, found)]
    return "\n".join([*parts, *([""] if below else []), *below]) + "\n"


def fitting(every: list[Cell]) -> list[Cell]:
    """Return the cells that a table has room for: where there are very many, no single variants."""
    return every if len(every) <= MANY else [cell for cell in every if not cell.nested]


def left_out(every: Sequence[Cell], found: Sequence[Cell]) -> list[str]:
    """Return a sentence on the cells that `fitting` left out, if there are any."""
    left = len(every) - len(found)
    return [f"{left} rows of single variants: see summary.json or the page"] if left else []


def _labels(texts: Sequence[str]) -> dict[str, str]:
    """Return what each label is shown as: frame and store stay out where all stresses share them."""
    same = {text: text for text in texts}
    try:
        specs = {text: parse(text) for text in texts}
    except UsageError:  # a summary may hold any text
        return same
    kept = {
        text: Spec(s.name, s.args, tuple(p for p in s.params if p[0] not in PROTOCOL), s.path)
        for text, s in specs.items()
    }
    framed = [dict(s.params) for s in specs.values() if dict(s.params).get("frame")]
    stored = {str(params["store"]) for params in framed if "store" in params}
    shared = len({str(params["frame"]) for params in framed}) == 1 and len(stored) <= 1
    if not shared or len(set(map(str, kept.values()))) < len(specs):
        return same
    return {text: str(spec) for text, spec in kept.items()}


def _varies(found: Sequence[Cell], name: str) -> bool:
    return len({getattr(cell, name) for cell in found}) > 1


def made_by(cell: Cell) -> str:
    """Return whose images a cell is about, with a blank in front, where they are another model's."""
    return f" made on {cell.source}" if cell.source and cell.source != cell.model else ""


def _title(found: Sequence[Cell], naming: Sequence[str]) -> str:
    same = [name for name in ("model", "data") if found and name not in naming]
    return " · ".join(getattr(found[0], name) for name in same) or "Results"


def remarks(summary: Mapping[str, Any], found: Sequence[Cell]) -> list[str]:
    """Return what stands under a table: warnings, notes, and pairs that could not run."""
    models = {text_of(entry, "model") for entry in entries(summary, "unavailable")}
    texts = [] if found else ["No results: nothing was judged yet, or the summary is damaged."]
    for entry in entries(summary, "unavailable"):
        who = f"{text_of(entry, 'model')}: " if _varies(found, "model") or len(models) > 1 else ""
        texts.append(f"n/a  {who}{text_of(entry, 'stress')}: {text_of(entry, 'reason')}")
    warned = [f"warning  {text}" for text in warnings(summary)]
    notes = [*suite_notes(summary), *pipeline_notes(summary), *alike_notes(summary)]
    return [*warned, *notes, *distinct(texts)]


def suite_notes(summary: Mapping[str, Any]) -> list[str]:
    """Return what the errors of each suite are divided by, and where it is not the published one."""
    texts = []
    run = summary.get("run")
    stresses = run.get("stresses") if isinstance(run, Mapping) else None
    for suite in entries(run, "suites"):
        baseline = suite.get("baseline")
        if isinstance(baseline, Mapping):
            named = f"{text_of(baseline, 'name')} (version {text_of(baseline, 'version')})"
            texts.append(f"{text_of(suite, 'spec')}: {named} has 100 %")
    own = isinstance(stresses, list) and any(
        str(s).startswith("frost") and "textures=" not in str(s) for s in stresses
    )
    if own:
        texts.append("frost: textures grown here, with the statistics of the published pictures")
    return texts


def _markdown(heads: Sequence[str], body: Sequence[Sequence[str]], *, left: int) -> list[str]:
    rows = [[text.replace("|", "\\|") for text in row] for row in (heads, *body)]
    widths = [max(3, *(len(row[i]) for row in rows)) for i in range(len(heads))]
    aligned = [
        [
            t.ljust(w) if i < left else t.rjust(w)
            for i, (t, w) in enumerate(zip(row, widths, strict=True))
        ]
        for row in rows
    ]
    rule = ["-" * w if i < left else "-" * (w - 1) + ":" for i, w in enumerate(widths)]
    return ["| " + " | ".join(row) + " |" for row in (aligned[0], rule, *aligned[1:])]
