"""Overinterpretation: how little of an image a model needs."""

from __future__ import annotations

from roadworthy.report.blocks import Block
from roadworthy.report.evidence import Evidence
from roadworthy.report.levels import other
from roadworthy.report.sections.base import section


@section(title="Overinterpretation", place=800)
def overinterpretation(evidence: Evidence) -> list[Block]:
    """Draw accuracy on what is left of images."""
    own = [cell for cell in evidence.cells if cell.axis == "overinterpretation"]
    return [*other(own, evidence.who)]
