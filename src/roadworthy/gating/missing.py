"""Why a requirement has nothing to be decided by, from what the summary says could not be done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from roadworthy.gating.decide import Decision
from roadworthy.gating.pick import Line
from roadworthy.gating.requirement import Requirement
from roadworthy.gating.result import Check
from roadworthy.gating.stresses import place_of
from roadworthy.metrics.base import Estimate
from roadworthy.report.cells import entries, text_of
from roadworthy.run import Run

NOTHING = Estimate(None, None, None, 0)
_PAIR = ("model", "data", "stress")


def could_not_run(
    requirement: Requirement, lines: Sequence[Line], summary: Mapping[str, Any]
) -> Iterator[Check]:
    """Yield a check for each model that is meant and under whose stress nothing could be run."""
    judged = {(line.model, line.data) for line in lines}
    ran = {tuple(text_of(row, key) for key in _PAIR) for row in entries(summary, "rows")}
    for entry in entries(summary, "unavailable"):
        place = tuple(text_of(entry, key) for key in _PAIR)
        model, data, stress = place
        if place in ran or (model, data) in judged:
            continue
        if _is_of(requirement, stress) and _means(requirement, model, data):
            why = Decision("undecided", f"{stress} could not run: {text_of(entry, 'reason')}")
            yield Check(requirement, NOTHING, why, model=model, data=data, stress=stress)


def not_judged_yet(requirement: Requirement, lines: Sequence[Line], run: Run) -> Iterator[Check]:
    """Yield a check for each model that is meant and that an unfinished run has not come to."""
    known = {(line.model, line.data) for line in lines}
    for cell, judged, wanted in run.unfinished:
        model, data = cell.judge, cell.data
        if judged or cell.source or (model, data) in known or not _means(requirement, model, data):
            continue
        if not lines and not _is_of(requirement, cell.stress):
            continue
        known.add((model, data))
        said = f"the run is unfinished: 0 of {wanted} images judged under {cell.stress}"
        yield Check(requirement, NOTHING, Decision("undecided", said), model=model, data=data)


def _is_of(requirement: Requirement, stress: str) -> bool:
    asked = requirement.stress
    return bool(asked and stress) and place_of(str(asked), [(stress, "")]) is not None


def _means(requirement: Requirement, model: str, data: str) -> bool:
    meant = zip((requirement.model, requirement.data), (model, data), strict=True)
    return all(text is None or text in name for text, name in meant)


def why_missing(line: Line, summary: Mapping[str, Any]) -> str:
    """Return what the summary says of why a metric has no value."""
    for entry in entries(summary, "unavailable"):
        names, colon, reason = text_of(entry, "reason").partition(": ")
        of_it = colon and line.metric in names.split(", ")
        if of_it and (text_of(entry, "model"), text_of(entry, "data")) == (line.model, line.data):
            return reason
    return ""
