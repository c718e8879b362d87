"""Exporting what a run or a comparison found."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, get_args, overload

from roadworthy.comparing import page
from roadworthy.comparing.result import Comparison
from roadworthy.errors import UsageError, did_you_mean
from roadworthy.exporting import comparison, rows
from roadworthy.exporting.choice import Choice, chosen
from roadworthy.exporting.files import write, write_card
from roadworthy.exporting.formats import FORMATS, Format, Intervals, is_text
from roadworthy.exporting.texts import WRITERS, only
from roadworthy.report import html
from roadworthy.report.evidence import Evidence
from roadworthy.report.opened import Opened
from roadworthy.report.together import Together
from roadworthy.run import Run

if TYPE_CHECKING:
    from roadworthy.report.view import View

Source = Comparison | Run | str | Path | Sequence[Run | str | Path]


@overload
def export(
    what: Source,
    format: Format,
    out: None = None,
    *,
    model: str | None = None,
    metrics: str | Sequence[str] = (),
    section: str | None = None,
    intervals: Intervals = "brackets",
) -> str: ...
@overload
def export(
    what: Source,
    format: Format,
    out: str | Path,
    *,
    model: str | None = None,
    metrics: str | Sequence[str] = (),
    section: str | None = None,
    intervals: Intervals = "brackets",
) -> list[Path]: ...
def export(
    what: Source,
    format: Format,
    out: str | Path | None = None,
    *,
    model: str | None = None,
    metrics: str | Sequence[str] = (),
    section: str | None = None,
    intervals: Intervals = "brackets",
) -> str | list[Path]:
    """Export a run, several runs as one, or a comparison; returns the text, or the files written.

    ``md`` and ``latex`` are the headline metrics as a table, with ``section`` the tables of a section
    of the page; ``csv``, ``json`` and ``parquet`` all rows of ``summary.json``; ``model-card`` is a
    section of a Hugging Face model card; ``html`` the page; ``svg`` and ``pdf`` every figure, written
    to the folder ``out`` with matplotlib (extra ``plot``). Without ``out`` text is returned; parquet
    and figures need it. ``model`` and ``metrics`` leave all others out of tables and rows, ``intervals``
    says how tables write them: ``[low, high]``, ``± half``, or not. Raises UsageError with the nearest
    name for what there is not, RoadworthyError for a file that cannot be written.
    """
    if intervals not in get_args(Intervals):
        known = get_args(Intervals)
        hint = did_you_mean(intervals, known)
        raise UsageError(f"intervals are {', '.join(known)}, not '{intervals}'{hint}")
    chosen_ = (metrics,) if isinstance(metrics, str) else tuple(metrics)
    choice = Choice(model, chosen_, section, intervals)
    path = None if out is None else Path(out)
    if format not in FORMATS:
        hint = did_you_mean(format, FORMATS)
        raise UsageError(f"there is no format '{format}'{hint}; there are {', '.join(FORMATS)}")
    if isinstance(what, Comparison):
        return export_comparison(what, format, path, choice)
    return export_view(
        view_of([what] if isinstance(what, Run | str | Path) else what), format, path, choice
    )


def export_view(view: View, format: Format, path: Path | None, choice: Choice) -> str | list[Path]:
    """Export a choice of what the page shows: see `export`."""
    if format == "html":
        only(choice, by=format)
        return html.render(view) if path is None else [html.write(view, path)]
    if is_text(format):
        text = WRITERS[format](Evidence(view, 0), choice)
        if path is None:
            return text
        return [write_card(path, text) if format == "model-card" else write(path, text.encode())]
    if path is None:
        place = "file" if format == "parquet" else "folder"
        raise UsageError(f"{format} is no text: name the {place} to write with out")
    if format == "parquet":
        only(choice, "model", "metrics", by=format)
        return [write(path, rows.parquet(rows.rows_of(chosen(view.summary, choice))))]
    only(choice, by=format)
    from roadworthy.plotting.paper import write_figures

    return write_figures(Evidence(view, 0), path, format)


def view_of(runs: Sequence[Run | str | Path]) -> View:
    """Return what the page shows of a run, or of several as one."""
    if not runs:
        raise UsageError("there is nothing to export: name the folder of a run")
    views = [Opened(one if isinstance(one, Run) else Run(one)) for one in dict.fromkeys(runs)]
    return views[0] if len(views) == 1 else Together(views)


def export_comparison(
    found: Comparison, format: Format, path: Path | None, choice: Choice
) -> str | list[Path]:
    """Export a comparison: see `export`."""
    if format == "html":
        return page.section(found) if path is None else [page.write(found, path)]
    if format == "parquet" and path is not None:
        return [write(path, rows.parquet(comparison.rows_of(found)))]
    text = comparison.text_of(found, format, choice)
    return text if path is None else [write(path, text.encode())]
