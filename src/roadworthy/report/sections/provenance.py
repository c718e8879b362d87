"""Where the numbers come from: what was run on what, when, and with which versions."""

from __future__ import annotations

from roadworthy.report.blocks import Block, Facts
from roadworthy.report.cells import entries
from roadworthy.report.evidence import Evidence
from roadworthy.report.facts import facts
from roadworthy.report.sections.base import section

RUN = ("roadworthy", "seed", "precision", "stresses")
INVOCATION = ("command", "started", "seconds", "versions", "hardware")


@section(title="Provenance", place=1500)
def provenance(evidence: Evidence) -> list[Block]:
    """List what a run wrote down of itself, of its models and data, and of each invocation."""
    run = evidence.run
    found = [Facts("Run", facts(run, RUN))]
    found += [Facts("Model", facts(entry)) for entry in entries(run, "models")]
    found += [Facts("Data", facts(entry)) for entry in entries(run, "data")]
    found += [Facts("Invocation", facts(entry, INVOCATION)) for entry in evidence.view.runs]
    return [one for one in found if one.pairs]
