"""Samples that could not be judged, with reasons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from roadworthy.report.blocks import Block, Column, Entry, Row, Text, plain_table
from roadworthy.report.cells import text_of
from roadworthy.report.evidence import Evidence
from roadworthy.report.names import clean_text
from roadworthy.report.sections.base import section

MOST_FAILURES = 200


@section(title="Failed samples", place=1450)
def failed(evidence: Evidence) -> list[Block]:
    """List failed samples with each of their reasons once, at most 200."""
    listed = [
        [text_of(entry, "sample"), text_of(entry, "data"), clean_text(reason)]
        for entry in evidence.view.failures
        for reason in _reasons(entry)
    ]
    if not listed:
        return []
    rows = [Row([Entry(text) for text in texts]) for texts in listed[:MOST_FAILURES]]
    more = len(listed) - len(rows)
    said = "Images that could not be judged; no figure above counts them."
    said += f" {more} more are in failures.jsonl." if more > 0 else ""
    columns = [Column("sample"), Column("data"), Column("reason")]
    return [Text(said, "soft"), *plain_table(columns, rows)]


def _reasons(entry: Mapping[str, Any]) -> list[object]:
    found = entry.get("reasons")
    return found if isinstance(found, list) and found else [""]
