"""What ``roadworthy gate`` prints and writes."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from roadworthy.engine.files import write_whole
from roadworthy.errors import UsageError
from roadworthy.gating.api import gate
from roadworthy.gating.junit import junit
from roadworthy.gating.text import markdown, table


def show(
    run: Path,
    require: Sequence[str],
    *,
    baseline: Path | None,
    junit_file: Path | None,
    markdown_file: Path | None,
    as_json: bool,
) -> int:
    """Decide, print the outcome, write the files that are asked for, and return the exit code."""
    for path in (junit_file, markdown_file):
        if path is not None and not path.parent.is_dir():
            raise UsageError(f"cannot write '{path}': there is no folder '{path.parent}'")
    found = gate(run, require, baseline=baseline)
    if junit_file is not None:
        write_whole(junit_file, junit(found))
    if markdown_file is not None:
        write_whole(markdown_file, markdown(found).encode())
    if as_json:
        print(json.dumps(found.as_dict(), ensure_ascii=False))
    elif sys.stdout.isatty():
        from rich.console import Console

        Console().print(table(found))
    else:
        print(markdown(found), end="")
    return found.exit_code
