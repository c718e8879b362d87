"""The summary as a table: for a terminal, and as plain lines for a pipe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from roadworthy.report.cells import Cell, Reading, cells, distinct, entries, text_of
from roadworthy.report.names import short_names

if TYPE_CHECKING:
    from rich.table import Table

COLUMNS = {
    "top1": "top-1 %",
    "drop": "drop",
    "robust_top1": "robust %",
    "disagreement": "changed %",
    "flip_probability": "flips %",
    "ece": "ECE %",
}
"""Metrics of the terminal table with their headings; those before lose their interval last."""

_NOTHING = Reading(None, None, None)
_INTERVAL, _VALUE, _COUNT, _GAP = 19, 9, 6, 2


def table(summary: Mapping[str, Any], *, width: int = 100) -> Table:
    """Return the headline metrics as a rich table about ``width`` characters wide.

    One row per model, data set, stress and variant; columns that would be the same in every row
    are named in the title instead. Where the width is short, intervals go from the right, never
    from top-1. Pairs that could not run stand below with their reasons.
    """
    from rich.table import Table
    from rich.text import Text

    found = cells(summary)
    metrics = _metrics(found)
    naming = [name for name in ("model", "data") if _varies(found, name)]
    failed = any(cell.failed for cell in found)
    room, with_interval = _fit(metrics, len(naming), failed, width)
    shorts = {
        name: short_names([getattr(cell, name) for cell in found], room)
        for name in (*naming, "label")
    }
    result = Table(title=Text(_title(found, naming)), title_justify="left", title_style="bold")
    for name in (*naming, "stress"):
        result.add_column(name, overflow="fold")
    for metric in metrics:
        result.add_column(COLUMNS[metric], justify="right", no_wrap=True)
    for name in ("n", "failed")[: 1 + failed]:
        result.add_column(name, justify="right", no_wrap=True)
    for cell in found:
        stress = f"  {cell.variant}" if cell.nested else shorts["label"][cell.label]
        texts = [shorts[name][getattr(cell, name)] for name in naming]
        readings = [(metric, cell.readings.get(metric, _NOTHING)) for metric in metrics]
        texts += [stress + _made_by(cell)]
        texts += [r.full if metric in with_interval else r.text for metric, r in readings]
        texts += [str(cell.n), str(cell.failed)][: 1 + failed]
        result.add_row(*(Text(text) for text in texts))
    result.caption = Text("\n".join(_below(summary, found)))
    result.caption_justify = "left"
    return result


def lines(summary: Mapping[str, Any]) -> str:
    """Return the headline metrics as a Markdown table with full names, ending in a newline.

    Pairs that could not run are rows with ``n/a``; their reasons follow the table.
    """
    found = cells(summary)
    metrics = _metrics(found)
    missing = entries(summary, "unavailable")
    naming = [name for name in ("model", "data") if _varies(found, name) or not found]
    keys = [*naming, "stress", "variant"]
    body = [
        [
            *(getattr(cell, key) + (_made_by(cell) if key == "stress" else "") for key in keys),
            *(cell.readings.get(metric, _NOTHING).full for metric in metrics),
            str(cell.n),
            str(cell.failed),
        ]
        for cell in found
    ]
    for entry in missing:
        named = [text_of(entry, key) for key in keys]
        body.append([*named, *("n/a" for _ in metrics), "0", "0"])
    heads = [*keys, *(COLUMNS[metric] for metric in metrics), "n", "failed"]
    parts = [_title(found, naming), "", *_markdown(heads, body, left=len(keys))]
    return "\n".join([*parts, *([""] if missing or not found else []), *_below(summary, found)]) + "\n"


def _metrics(found: Sequence[Cell]) -> list[str]:
    return [m for m in COLUMNS if m == "top1" or any(c.value(m) is not None for c in found)]


def _varies(found: Sequence[Cell], name: str) -> bool:
    return len({getattr(cell, name) for cell in found}) > 1


def _made_by(cell: Cell) -> str:
    return f" made on {cell.source}" if cell.source and cell.source != cell.model else ""


def _title(found: Sequence[Cell], naming: Sequence[str]) -> str:
    same = [name for name in ("model", "data") if found and name not in naming]
    return " · ".join(getattr(found[0], name) for name in same) or "Results"


def _fit(metrics: Sequence[str], names: int, failed: bool, width: int) -> tuple[int, list[str]]:
    """Return the room for each name column and the metrics that keep their interval."""
    for keep in range(len(metrics), 0, -1):
        numbers = keep * _INTERVAL + (len(metrics) - keep) * _VALUE + _COUNT * (1 + failed)
        borders = 1 + (len(metrics) + names + 2 + failed) * (_GAP - 1)
        room = (width - numbers - borders) // (names + 1) - _GAP
        if room >= (24 if keep > 1 else 12) or keep == 1:
            return max(room, 12), list(metrics[:keep])
    return 24, []


def _below(summary: Mapping[str, Any], found: Sequence[Cell]) -> list[str]:
    """Return what stands under the table: the pairs that could not run, or that there is nothing."""
    models = {text_of(entry, "model") for entry in entries(summary, "unavailable")}
    texts = [] if found else ["No results: nothing was judged yet, or the summary is damaged."]
    for entry in entries(summary, "unavailable"):
        who = f"{text_of(entry, 'model')}: " if _varies(found, "model") or len(models) > 1 else ""
        texts.append(f"n/a  {who}{text_of(entry, 'stress')}: {text_of(entry, 'reason')}")
    return distinct(texts)


def _markdown(heads: Sequence[str], body: Sequence[Sequence[str]], *, left: int) -> list[str]:
    rows = [[text.replace("|", "\\|") for text in row] for row in (heads, *body)]
    widths = [max(3, *(len(row[i]) for row in rows)) for i in range(len(heads))]
    aligned = [
        [t.ljust(w) if i < left else t.rjust(w) for i, (t, w) in enumerate(zip(row, widths, strict=True))]
        for row in rows
    ]
    rule = ["-" * w if i < left else "-" * (w - 1) + ":" for i, w in enumerate(widths)]
    return ["| " + " | ".join(row) + " |" for row in (aligned[0], rule, *aligned[1:])]
