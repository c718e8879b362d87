"""Formats of results: what they are called, and what files of theirs end in."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeGuard

from roadworthy.errors import UsageError

TextFormat = Literal["md", "latex", "csv", "json", "model-card"]
FigureFormat = Literal["svg", "pdf"]
Format = Literal["html", "md", "latex", "csv", "json", "model-card", "parquet", "svg", "pdf"]
Intervals = Literal["brackets", "plus-minus", "none"]

TEXTS: tuple[TextFormat, ...] = ("md", "latex", "csv", "json", "model-card")
"""Formats that are text, which may go to standard output."""

FIGURES: tuple[FigureFormat, ...] = ("svg", "pdf")
FORMATS: tuple[Format, ...] = ("html", *TEXTS, "parquet", *FIGURES)
SUFFIXES: dict[str, Format] = {
    ".html": "html",
    ".htm": "html",
    ".md": "md",
    ".tex": "latex",
    ".csv": "csv",
    ".json": "json",
    ".parquet": "parquet",
}


def is_text(form: Format) -> TypeGuard[TextFormat]:
    """Whether a format is text."""
    return form in TEXTS


def format_of(out: Path | None) -> Format:
    """Return the format that the ending of a file stands for: the page where it says nothing.

    Raises UsageError for the ending of a figure, of which a run has several.
    """
    suffix = "" if out is None else out.suffix.lower()
    if suffix.removeprefix(".") in FIGURES:
        raise UsageError(
            f"'{out}': a run has several figures, which go into a folder: "
            f"--format {suffix.removeprefix('.')} -o FOLDER"
        )
    return SUFFIXES.get(suffix, "html")
