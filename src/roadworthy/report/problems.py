"""What a reader must know of a run before its results: unfinished, damaged, mixed up, empty."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from roadworthy.report.names import clean_text

if TYPE_CHECKING:
    from roadworthy.run import Run

MOST_NAMED = 5


def problems_of(run: Run) -> list[str]:
    """Return a sentence for each thing that is wrong with a run, with what to do about it."""
    texts = (_unfinished(run), _damaged(run), _foreign(run), _narrowed(run), _empty(run.folder))
    return [text for text in texts if text]


def _unfinished(run: Run) -> str:
    last = run.runs[-1] if run.runs else {}
    if not run.runs or "finished" in last:
        return ""
    command = clean_text(shlex.join(map(str, last.get("command", []))))
    missing = run.unfinished
    left = sum(wanted - judged for _, judged, wanted in missing)
    return (
        f"This run is not finished: {left} images in {len(missing)} of {len(run.cells)} "
        f"stresses are not judged yet, and what is shown is of those that are. The same command "
        f"goes on: {command}"
    )


def _damaged(run: Run) -> str:
    if not run.damaged:
        return ""
    return (
        f"{_files(run.damaged)} damaged, foreign or of another version and left out: "
        f"{_named(run.folder, run.damaged)}. The command of the run does again what they held."
    )


def _foreign(run: Run) -> str:
    if not run.foreign:
        return ""
    return (
        f"{_files(run.foreign)} of another run and left out: {_named(run.folder, run.foreign)}. "
        "Report on the folder of that run as well."
    )


def _narrowed(run: Run) -> str:
    """Say that a later command asked for fewer images of a stress than are judged."""
    sizes = {d["manifest"]: int(d["samples"]) for r in run.runs for d in r["data"]}
    most: dict[str, tuple[int, list[str]]] = {}
    for one in run.runs:
        for cell in one["cells"]:
            size = sizes.get(cell["manifest"], 0)
            if size >= most.get(cell["request"], (0, []))[0]:
                most[cell["request"]] = size, list(map(str, one.get("command", [])))
    less = [c for c in run.cells if sizes.get(c.manifest, 0) < most.get(c.request, (0, []))[0]]
    if not less:
        return ""
    first = less[0]
    size, command = most[first.request]
    others = f" and {len(less) - 1} more" if len(less) > 1 else ""
    return (
        f"Of {clean_text(first.stress)}{others} {sizes.get(first.manifest, 0)} of {size} judged images "
        f"count, since the newest command asked for no more, and what is compared with it is compared "
        f"on these. This shows all again, at no cost: {clean_text(shlex.join(command))}"
    )


def _files(found: Sequence[Path]) -> str:
    return "1 file is" if len(found) == 1 else f"{len(found)} files are"


def _named(folder: Path, found: Sequence[Path]) -> str:
    names = ", ".join(str(path.relative_to(folder)) for path in found[:MOST_NAMED])
    return names if len(found) <= MOST_NAMED else f"{names} and {len(found) - MOST_NAMED} more"


def _empty(folder: Path) -> str:
    there = any(folder.glob("records/*/*.parquet"))
    return "" if there else "There are no records: nothing was judged yet, or they are gone."
