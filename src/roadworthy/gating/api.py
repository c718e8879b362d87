"""Deciding whether a run meets requirements."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from roadworthy.errors import UsageError
from roadworthy.gating.baseline import against
from roadworthy.gating.decide import Decision, decide
from roadworthy.gating.missing import NOTHING, could_not_run, not_judged_yet, why_missing
from roadworthy.gating.pick import Line, lines_of
from roadworthy.gating.requirement import Requirement, parse_requirement
from roadworthy.gating.result import Check, Gate
from roadworthy.gating.rows import chosen
from roadworthy.report.cells import entries, text_of
from roadworthy.report.current import read_summary, state_of, why_stale
from roadworthy.report.reading import count
from roadworthy.run import Run


def gate(
    run: str | Path | Run,
    require: str | Sequence[str],
    *,
    baseline: str | Path | Run | None = None,
) -> Gate:
    """Decide whether a run meets every requirement, by the 95 % intervals of its metrics.

    ``require`` are texts such as ``top1(clean)>=75``. One that ends in ``vs baseline`` bounds the
    difference to ``baseline`` on the same images, with its paired interval. Values come from
    ``summary.json`` where that is current, else from the records. What cannot be decided with so
    many images is undecided, and so is what has no value: nothing passes unseen. Raises UsageError
    for what cannot be read, for names that nothing in the run has, and for a baseline that cannot
    be compared with.
    """
    texts = [require] if isinstance(require, str) else list(require)
    if not texts:
        raise UsageError("no requirement given; name one with --require, such as 'top1(clean)>=75'")
    wanted = [parse_requirement(text) for text in texts]
    if baseline is None and (one := next((r for r in wanted if r.against_baseline), None)):
        raise UsageError(f"requirement '{one.text}' needs a baseline; name a run with --baseline")
    here = run if isinstance(run, Run) else Run(run)
    stale = why_stale(here)
    stored = None if stale else read_summary(here.folder / "summary.json")
    summary = here.summary if stored is None else stored
    known = lines_of(summary)
    notes = list(state_of(here))
    if stale:
        notes.append(f"{stale}: metrics were computed from the records")
    checks: list[Check] = []
    for one in wanted:
        if one.against_baseline:
            assert baseline is not None
            lines, more = against(one, here, known, baseline)
            notes.extend(more)
        else:
            lines = chosen(one, known)
        absent = [*not_judged_yet(one, lines.lines, here)]
        if not one.against_baseline:
            absent += could_not_run(one, lines.lines, summary)
        checks.extend(absent)
        if lines.lines or not absent:
            checks.extend(_checks(one, lines.lines, lines.missing, summary))
        notes.extend(
            f"{line.stress} changes no pixel against {line.like}, whose results these are"
            for line in lines.lines
            if line.like
        )
    if baseline is not None and not any(one.against_baseline for one in wanted):
        notes.append("the baseline was not used: no requirement ends in 'vs baseline'")
    return Gate(str(here.folder), checks, list(dict.fromkeys(notes)))


def _checks(
    requirement: Requirement, lines: Sequence[Line], missing: str, summary: Mapping[str, Any]
) -> Iterator[Check]:
    if not lines:
        yield Check(requirement, NOTHING, Decision("undecided", missing))
    available = {
        text_of(entry, "spec"): count(entry.get("available"))
        for entry in entries(summary.get("run"), "data")
    }
    for line in lines:
        decision = decide(requirement, line.estimate)
        if decision.status == "undecided" and line.estimate.value is None:
            why = line.estimate.reason or why_missing(line, summary)
            decision = Decision("undecided", why or decision.reason)
        yield Check(
            requirement,
            line.estimate,
            decision,
            unit=line.unit,
            model=line.model,
            data=line.data,
            stress=line.stress,
            variant=line.variant,
            available=available.get(line.data) or None,
            failed=line.failed,
        )
