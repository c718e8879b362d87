"""What ``roadworthy compare`` prints and writes."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from roadworthy.comparing.api import compare
from roadworthy.comparing.result import Comparison
from roadworthy.comparing.text import lines, tables
from roadworthy.engine.files import write_whole
from roadworthy.errors import RoadworthyError, UsageError
from roadworthy.exporting.api import export_comparison
from roadworthy.exporting.choice import Choice
from roadworthy.exporting.formats import Format, format_of

FORMATS = (".csv", ".json")


def show(
    a: Path,
    b: Path,
    *,
    out: Path | None,
    flips: Path | None,
    model_a: str | None,
    model_b: str | None,
    as_json: bool,
    form: Format | None = None,
) -> None:
    """Compare two runs, print the result, and write it to a file and the flipped images if asked.

    Where a format is asked for and no file, that is what is printed.
    """
    if form is not None and as_json:
        raise UsageError("--json and --format both say what to print; leave one of them out")
    if form == "html" and out is None:
        raise UsageError("the page goes to a file: name one with -o, such as -o compare.html")
    if flips is not None and flips.suffix.lower() not in FORMATS:
        raise UsageError(f"flips '{flips}': give a file that ends in {' or '.join(FORMATS)}")
    found = compare(a, b, model_a=model_a, model_b=model_b)
    if flips is not None:
        write_flips(found, flips)
    if out is not None:
        export_comparison(found, form or format_of(out), out, Choice())
    if form is not None and out is None:
        print(export_comparison(found, form, None, Choice()), end="")
    elif as_json:
        print(json.dumps(found.as_dict(), ensure_ascii=False))
    elif sys.stdout.isatty():
        from rich.console import Console

        Console().print(*tables(found), sep="\n")
    else:
        print(lines(found), end="")
    for path in filter(None, (out, flips)):
        print(path, file=sys.stderr)


def write_flips(found: Comparison, path: Path) -> None:
    """Write all flipped images as CSV or JSON, by the ending of the file."""
    if not path.parent.is_dir():
        raise RoadworthyError(f"cannot write '{path}': there is no folder '{path.parent}'")
    if path.suffix.lower() == ".csv":
        write_whole(path, found.flips.write_csv().encode())
    else:
        text = json.dumps(found.flips.to_dicts(), ensure_ascii=False, indent=1)
        write_whole(path, f"{text}\n".encode())
