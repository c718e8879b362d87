"""The verdict in plain sentences, and what must not be overlooked."""

from __future__ import annotations

from roadworthy.report.blocks import Block, Text
from roadworthy.report.evidence import Evidence
from roadworthy.report.headline import headline
from roadworthy.report.sections.base import section
from roadworthy.report.warned import warnings


@section(title="Verdict", place=0)
def verdict(evidence: Evidence) -> list[Block]:
    """Say what the model is fragile to, and what is wrong with run or model."""
    made: list[Block] = [Text(sentence) for sentence in headline(evidence.cells)]
    made += [Text(f"Warning: {text}", "warn") for text in warnings(evidence.summary)]
    return [*made, *([Text(evidence.problem, "warn")] if evidence.problem else [])]
