"""Overinterpretation: how little of an image a model needs."""

from __future__ import annotations

from roadworthy.report.blocks import Block
from roadworthy.report.evidence import Evidence
from roadworthy.report.levels import other
from roadworthy.report.sections.base import section
from roadworthy.report.subsets.audits import audits
from roadworthy.report.subsets.cards import cards
from roadworthy.report.subsets.charts import charts
from roadworthy.report.subsets.controls import controls
from roadworthy.report.subsets.maps import maps
from roadworthy.report.subsets.people import people
from roadworthy.report.subsets.tables import overlaps, sizes


@section(title="Overinterpretation", place=800)
def overinterpretation(evidence: Evidence) -> list[Block]:
    """Show how small the subsets are that suffice, what they look like, and what controls say of them."""
    found = audits(evidence)
    ranked = {one.stress for one in found}
    own = [c for c in evidence.cells if c.axis == "overinterpretation" and c.stress not in ranked]
    return [
        *sizes(found),
        *controls(found),
        *people(evidence),
        *charts(found),
        *cards(found),
        *maps(found),
        *overlaps(evidence),
        *other(own, evidence.who),
    ]
