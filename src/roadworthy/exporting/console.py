"""What ``roadworthy report`` and ``run --format`` print and write."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

from roadworthy.errors import UsageError
from roadworthy.exporting.formats import (
    FIGURES,
    Format,
    Intervals,
    format_of,
    is_text,
)

TELLING = ("html", "md", "latex", "model-card")
"""Formats that say themselves what is wrong with a run."""


def report(
    folders: Sequence[Path],
    out: Path | None,
    *,
    format: Format | None,
    model: str | None,
    metrics: Sequence[str],
    section: str | None,
    intervals: Intervals,
) -> None:
    """Print a run, or several as one, in a text format; or write it, and print where it is."""
    from roadworthy.exporting.api import export_view, view_of
    from roadworthy.exporting.choice import Choice

    form = format or format_of(out)
    if out is None and not is_text(form):
        out = default_of(form, folders[0])
    choice = Choice(model, tuple(metrics), section, intervals)
    view = view_of(folders)
    if form not in TELLING:
        print(*view.problems, sep="\n", end="\n" * bool(view.problems), file=sys.stderr)
    with warnings.catch_warnings(record=True) as noticed:
        warnings.simplefilter("always")
        made = export_view(view, form, out, choice)
    for warning in noticed:
        print(f"warning: {warning.message}", file=sys.stderr)
    if isinstance(made, str):
        sys.stdout.write(made)
    else:
        print(*made, sep="\n")


def default_of(form: Format, folder: Path) -> Path:
    """Return where a format goes if nothing else is said; raises UsageError where it has no such place."""
    if form == "html":
        return folder / "report.html"
    if form in FIGURES:
        return folder / "figures"
    raise UsageError(f"{form} is no text: name a file with -o, such as -o results.{form}")
