"""Corruptions: accuracy over severities, and errors in percent of a baseline's."""

from __future__ import annotations

from roadworthy.report import marks
from roadworthy.report.blocks import Block
from roadworthy.report.cells import stresses_of
from roadworthy.report.evidence import Evidence
from roadworthy.report.figure import Figure
from roadworthy.report.levels import MOST_SERIES, level_points, lost, of_suites
from roadworthy.report.points import severity_of
from roadworthy.report.sections.base import section


@section(title="Corruptions", place=200)
def corruptions(evidence: Evidence) -> list[Block]:
    """Draw what corruptions cost."""
    found, who = evidence.cells, evidence.who
    return [*_levels(evidence), *of_suites(found, who, "ce", "Corruption error")]


def _levels(evidence: Evidence) -> list[Figure]:
    found, who = evidence.cells, evidence.who
    points = level_points("corruption", found, who, severity_of, "top1")
    own = [c for c in found if c.axis == "corruption"]
    levels, lines = {p["x"] for p in points} - {0.0}, {p["series"] for p in points}
    if len(levels) < 2 or len(lines) > MOST_SERIES:
        return lost([c for c in own if not c.nested], who)
    chart = marks.curves(points, x="severity (0 is clean)", y="top-1, %", integer=True)
    caption = "Top-1 accuracy over severity, with 95 % intervals."
    return [Figure("Accuracy over severity", caption, chart, stresses_of(own))]
