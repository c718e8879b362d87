"""Every number of the summary."""

from __future__ import annotations

from roadworthy.report.blocks import Block, Text
from roadworthy.report.evidence import Evidence
from roadworthy.report.sections.base import section
from roadworthy.report.table import suite_notes
from roadworthy.report.tables import results as table_of

CAPTION = (
    "Brackets are 95 % intervals; n is the number of distinct images. Drops are in percentage points "
    "against the clean images."
)


@section(title="All results", place=1300)
def results(evidence: Evidence) -> list[Block]:
    """List every cell with its metrics, by axis."""
    found = table_of(evidence, caption=CAPTION)
    return [*found, *(Text(note, "soft") for note in suite_notes(evidence.summary) if found)]
