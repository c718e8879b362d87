"""Published figures beside measured ones."""

from __future__ import annotations

from roadworthy.report.beside import published_rows
from roadworthy.report.blocks import Block, Column, Entry, Row, plain_table, shown
from roadworthy.report.evidence import Evidence
from roadworthy.report.sections.base import section

CAPTION = (
    "What was published for the same model, or for its family where the source says so, under the same "
    "attack, as far as the source can be relied upon, with the 95 % band that its number of images "
    "leaves; what was read off a figure has none. "
    "Other images, weights or preprocessing move a figure further; nothing here is a test."
)


@section(title="Beside published figures", place=680)
def published(evidence: Evidence) -> list[Block]:
    """List what was published for the same model under the same stress."""
    rows = [
        Row(
            [
                Entry(one.model),
                Entry(one.stress, code=True),
                Entry(one.metric),
                shown(one.measured),
                shown(one.published),
                Entry(one.verdict),
                Entry(one.source),
            ]
        )
        for one in published_rows(evidence.summary)
    ]
    columns = [
        *map(Column, ("model", "stress", "metric")),
        *(Column(text, number=True) for text in ("measured", "published")),
        *map(Column, ("bands", "source")),
    ]
    return [*plain_table(columns, rows, caption=CAPTION)]
