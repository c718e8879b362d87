"""Differences to a baseline that is a summary alone, without records to pair."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from roadworthy.errors import UsageError
from roadworthy.gating.pick import Chosen, Line, lines_of
from roadworthy.gating.requirement import Requirement
from roadworthy.gating.rows import chosen
from roadworthy.metrics.base import FRACTIONS, Estimate
from roadworthy.metrics.difference import difference
from roadworthy.report.cells import entries, text_of
from roadworthy.report.current import read_summary
from roadworthy.run import Run

VERDICTS, FLOATS = 1e-5, 1e-4
"""What a percentage and any other number may differ by in the same results: less than an image does."""


def unpaired(
    requirement: Requirement, known: Sequence[Line], run: Run, path: Path
) -> tuple[Chosen, list[str]]:
    """Return differences to a summary alone, run minus baseline, and notes; see `against`.

    Where all that both say of a model agrees, the results are the same and nothing has changed.
    """
    summary = read_summary(path / "summary.json" if path.is_dir() else path)
    if summary is None:
        raise UsageError(
            f"the baseline '{path}' is neither a run nor a summary.json; give the folder that "
            f"was passed as -o to `roadworthy run`"
        )
    others = lines_of(summary)
    asked = chosen(requirement, known)
    lines, same = [], 0
    for line in asked.lines:
        other = _partner(line, known, others)
        if other is None:
            continue
        _check_same_samples(line, run, other, summary, path)
        change = difference(other.estimate, line.estimate, None, unit=line.unit)
        if _same_results(line, known, other, others):
            change = Estimate(0.0, 0.0, 0.0, line.estimate.n)
            same += 1
        unit = "points" if line.unit in FRACTIONS else line.unit
        lines.append(replace(line, estimate=change, unit=unit))
    if not lines:
        missing = asked.missing or f"the baseline has no such {requirement.metric}"
        return Chosen([], missing), []
    if same == len(lines):
        return Chosen(lines), []
    note = "the baseline has no records: differences have the intervals of independent runs"
    return Chosen(lines), [note]


def _same_results(line: Line, known: Sequence[Line], other: Line, others: Sequence[Line]) -> bool:
    """Whether two summaries agree in all that both say of a model, confidences among it."""
    mine, theirs = (
        {
            (one.own, one.stress, one.variant, one.metric): one
            for one in lines
            if (one.model, one.data) == (of.model, of.data)
        }
        for lines, of in ((known, line), (others, other))
    )
    both = mine.keys() & theirs.keys()
    confident = any(key[-1] == "nll" and mine[key].estimate.value is not None for key in both)
    return confident and all(_agree(mine[key], theirs[key]) for key in both)


def _agree(first: Line, second: Line) -> bool:
    a, b = first.estimate, second.estimate
    if a.value is None or b.value is None or a.n != b.n:
        return a.value is b.value and a.n == b.n
    near = VERDICTS if first.unit in FRACTIONS else FLOATS
    return math.isclose(a.value, b.value, rel_tol=0.0, abs_tol=near)


def _partner(line: Line, known: Sequence[Line], others: Sequence[Line]) -> Line | None:
    """Return the row of a baseline that belongs to a row of the run."""
    alike = [
        other
        for other in others
        if (other.metric, other.stress, other.variant) == (line.metric, line.stress, line.variant)
        and other.own == line.own
    ]
    for key in ("model", "data"):
        mine = {getattr(one, key) for one in known}
        theirs = {getattr(one, key) for one in others}
        if len(mine) > 1 or len(theirs) > 1:
            alike = [other for other in alike if getattr(other, key) == getattr(line, key)]
    return alike[0] if len(alike) == 1 else None


def _check_same_samples(
    line: Line, run: Run, other: Line, summary: Mapping[str, Any], path: Path
) -> None:
    mine = {str(entry.get("spec")): entry.get("manifest") for entry in run.datasets()}
    theirs = {
        text_of(entry, "spec"): entry.get("manifest")
        for entry in entries(summary.get("run"), "data")
    }
    first, second = mine.get(line.data), theirs.get(other.data)
    if first is None or first != second:
        raise UsageError(
            f"the baseline '{path}' is of other samples than the run ('{other.data}' and "
            f"'{line.data}'), and has no records to find the common ones; give the folder of its run"
        )
