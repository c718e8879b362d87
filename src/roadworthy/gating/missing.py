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

NOTHING = Estimate(None, None, None, 0)
_PAIR = ("model", "data", "stress")


def could_not_run(
    requirement: Requirement, lines: Sequence[Line], summary: Mapping[str, Any]
) -> Iterator[Check]:
    """Yield a check for each model that is meant and under whose stress nothing could be run."""
    if requirement.stress is None:
        return
    judged = {(line.model, line.data) for line in lines}
    ran = {tuple(text_of(row, key) for key in _PAIR) for row in entries(summary, "rows")}
    for entry in entries(summary, "unavailable"):
        place = tuple(text_of(entry, key) for key in _PAIR)
        model, data, stress = place
        if place in ran or (model, data) in judged or not stress:
            continue
        if place_of(requirement.stress, [(stress, "")]) is None:
            continue
        meant = zip((requirement.model, requirement.data), (model, data), strict=True)
        if all(text is None or text in name for text, name in meant):
            why = Decision("undecided", f"{stress} could not run: {text_of(entry, 'reason')}")
            yield Check(requirement, NOTHING, why, model=model, data=data, stress=stress)


def why_missing(line: Line, summary: Mapping[str, Any]) -> str:
    """Return what the summary says of why a metric has no value."""
    for entry in entries(summary, "unavailable"):
        names, colon, reason = text_of(entry, "reason").partition(": ")
        of_it = colon and line.metric in names.split(", ")
        if of_it and (text_of(entry, "model"), text_of(entry, "data")) == (line.model, line.data):
            return reason
    return ""
