"""The summary that a run has on disk, where it is still what its records say."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from roadworthy.report.names import model_names
from roadworthy.report.reading import count
from roadworthy.run import Run

LARGEST = 256 * 2**20
MOST = 5
"""Unfinished stresses that are named."""


def summary_of(run: Run) -> Mapping[str, Any]:
    """Return the summary of a run: what ``summary.json`` holds if it is current, else made anew."""
    stored = None if why_stale(run) else read_summary(run.folder / "summary.json")
    return run.summary if stored is None else stored


def why_stale(run: Run) -> str:
    """Return why ``summary.json`` cannot be taken for the records of a run; empty if it can.

    It is current if it was written after the newest invocation had come to its end, if it is of the
    same models, data and stresses, if no record is damaged, and if its metrics are defined as here.
    A summary without any invocation beside it is all there is.
    """
    path = run.folder / "summary.json"
    summary = read_summary(path)
    if summary is None:
        return "there is no summary.json that can be read"
    if not run.runs:
        return ""
    if _older(path, run) or (not run.runs[-1].get("finished") and run.unfinished):
        return "the newest invocation did not come to its end"
    if run.damaged:
        return "records are damaged"
    about = summary["run"]
    said = {
        "models": list(run.models()),
        "data": list(run.datasets()),
        "stresses": list(dict.fromkeys(cell.stress for cell in run.cells)),
    }
    for name, value in said.items():
        if about.get(name) != json.loads(json.dumps(value)):
            return f"summary.json is of other {name}"
    for name, version in versions_of(summary).items():
        known = _defined().get(name)
        if known is not None and known != version:
            return f"summary.json has {name} by definition version {version}, here it is {known}"
    return ""


def state_of(run: Run) -> Iterator[str]:
    """Yield in words what is damaged in a run, and what of it is not judged yet."""
    damaged, unfinished = run.damaged, run.unfinished
    if damaged:
        more = f" and {len(damaged) - 1} more" if len(damaged) > 1 else ""
        yield (
            f"damaged, left out: {damaged[0]}{more}; the command of the run judges those images again"
        )
    names = model_names([cell.judge for cell in run.cells], 60)
    for cell, judged, wanted in unfinished[:MOST]:
        who = names[cell.judge]
        yield f"unfinished: {judged} of {wanted} images judged under {cell.stress} by {who}"
    if len(unfinished) > MOST:
        yield f"unfinished: {len(unfinished) - MOST} more stresses"


def versions_of(summary: Mapping[str, Any]) -> dict[str, int]:
    """Return the definition version of each metric in a summary."""
    rows = [row for row in summary["rows"] if isinstance(row, dict)]
    return {str(row.get("metric")): count(row.get("version")) for row in rows}


def _older(path: Path, run: Run) -> bool:
    try:
        written = (run.folder / "runs" / f"{run.runs[-1].get('id')}.json").stat().st_mtime_ns
        return path.stat().st_mtime_ns < written
    except OSError:
        return True


def _defined() -> dict[str, int]:
    from roadworthy.metrics.every import every_metric

    return {name: definition.version for name, definition in every_metric().items()}


def read_summary(path: Path) -> dict[str, Any] | None:
    """Read a summary; None for a file that is missing, too large or no summary."""
    try:
        if path.stat().st_size > LARGEST:
            return None
        summary = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    sound = isinstance(summary, dict) and isinstance(summary.get("rows"), list)
    return summary if sound and isinstance(summary.get("run"), dict) else None
