"""Pairs of model and stress that could not run, with reasons."""

from __future__ import annotations

from roadworthy.report.blocks import Block, Column, Entry, Row, plain_table
from roadworthy.report.cells import entries, text_of
from roadworthy.report.evidence import Evidence
from roadworthy.report.sections.base import section


@section(title="Not available", place=1400)
def unavailable(evidence: Evidence) -> list[Block]:
    """List what could not run or be measured."""
    rows = [
        Row(
            [
                Entry(text_of(entry, "stress"), code=True),
                Entry(text_of(entry, "model")),
                Entry(text_of(entry, "data")),
                Entry(f"n/a: {text_of(entry, 'reason')}"),
            ]
        )
        for entry in entries(evidence.summary, "unavailable")
    ]
    columns = [Column(name) for name in ("stress", "model", "data", "reason")]
    caption = "Pairs of model and stress that could not run, and metrics without a value."
    return [*plain_table(columns, rows, caption=caption)]
