"""Corruptions: accuracy by severity as a coloured table and as curves, and errors against a baseline's."""

from __future__ import annotations

from roadworthy.report.blocks import Block, Fold
from roadworthy.report.evidence import Evidence
from roadworthy.report.levels import lost, of_suites
from roadworthy.report.sections.base import section
from roadworthy.report.severities import curves, grids, heat_map

OPEN = 2
"""Maps that are open; those of further models are folded."""


@section(title="Corruptions", place=200)
def corruptions(evidence: Evidence) -> list[Block]:
    """Show what each corruption costs at each severity."""
    found, who = evidence.cells, evidence.who
    known = grids(evidence)
    maps = [heat_map(g, several=len(known) > 1) for g in known if len(g.cells) > 1]
    made: list[Block] = [*maps[:OPEN]]
    made += [Fold(f"{len(maps) - OPEN} more models", maps[OPEN:])] if len(maps) > OPEN else []
    made += curves(known)
    # strengths that are no severities are in no table of severities
    drawn = {cell.label for grid in known for cell in grid.every}
    own = [c for c in found if c.axis == "corruption" and not c.pooled and c.label not in drawn]
    return [*made, *lost(own, who), *of_suites(found, who, "ce", "Corruption error")]
