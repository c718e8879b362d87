"""Samples that could not be judged, with reasons."""

from __future__ import annotations

from roadworthy.report.blocks import Block, Column, Entry, Row, Text, plain_table
from roadworthy.report.evidence import Evidence
from roadworthy.report.names import clean_text
from roadworthy.report.sections.base import section

MOST_FAILURES = 200


@section(title="Failed samples", place=1450)
def failed(evidence: Evidence) -> list[Block]:
    """List failed samples, each reason once, at most 200."""
    import polars as pl

    found = (
        evidence.rows.filter(pl.col("status") == "failed")
        .select("sample", "data", pl.col("reason").fill_null(""))
        .unique(maintain_order=True)
    )
    if found.is_empty():
        return []
    rows = [
        Row([Entry(clean_text(text or "")) for text in texts])
        for texts in found.head(MOST_FAILURES).iter_rows()
    ]
    more = found.height - len(rows)
    said = "Images that could not be judged; no figure above counts them."
    said += f" {more} more are in failures.jsonl." if more > 0 else ""
    columns = [Column("sample"), Column("data"), Column("reason")]
    return [Text(said, "soft"), *plain_table(columns, rows)]
