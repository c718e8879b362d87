"""Systematic noise: what another decoder, resizer or precision costs."""

from __future__ import annotations

from roadworthy.report.alike import alike_notes
from roadworthy.report.blocks import Block, Text
from roadworthy.report.evidence import Evidence
from roadworthy.report.levels import lost
from roadworthy.report.pipelines import pipeline_blocks
from roadworthy.report.sections.base import section


@section(title="Systematic noise", place=700)
def systematic(evidence: Evidence) -> list[Block]:
    """Draw the accuracy lost to each difference between training and deployment."""
    own = [c for c in evidence.cells if c.axis == "systematic" and not c.pooled]
    notes = [Text(note, "soft") for note in alike_notes(evidence.summary)]
    return [*lost(own, evidence.who), *notes, *pipeline_blocks(evidence.summary)]
