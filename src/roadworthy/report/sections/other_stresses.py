"""Stresses of plug-ins that are not installed here, or of no axis."""

from __future__ import annotations

from roadworthy.report.blocks import Block
from roadworthy.report.evidence import Evidence
from roadworthy.report.levels import other
from roadworthy.report.sections.base import section


@section(title="Other stresses", place=850)
def other_stresses(evidence: Evidence) -> list[Block]:
    """Draw what was measured under stresses that nobody foresaw."""
    own = [cell for cell in evidence.cells if cell.axis == "other"]
    return [*other(own, evidence.who)]
