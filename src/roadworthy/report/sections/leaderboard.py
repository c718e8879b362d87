"""Several models side by side: one line each, the scores that they share, the best in bold."""

from __future__ import annotations

from roadworthy.report.blocks import Block, Column, Entry, Group, Row, Table, shown
from roadworthy.report.cells import stresses_of
from roadworthy.report.evidence import Evidence
from roadworthy.report.scores import Score, scores
from roadworthy.report.sections.base import section

CAPTION = (
    "Sorted by the first column. Brackets are 95 % intervals; the best of each column is bold, and so is "
    "every model whose interval reaches it. A dash is what was not measured."
)
HINT = "Click on a head to sort by another."


@section(title="Leaderboard", place=50)
def leaderboard(evidence: Evidence) -> list[Block]:
    """List every model with its accuracy and what it is quoted by on each axis."""
    models = list(dict.fromkeys(cell.model for cell in evidence.cells))
    columns = scores(evidence.cells) if len(models) > 1 else []
    if not columns:
        return []
    first = columns[0].readings
    ordered = sorted(models, key=lambda m: -(first[m].value or 0.0) if m in first else 1.0)
    rows = [
        Row(
            [Entry(evidence.models[model]), *(_cell(score, model) for score in columns)],
            about=evidence.models[model],
        )
        for model in ordered
    ]
    heads = [Column("model"), *(Column(score.heading, number=True) for score in columns)]
    quoted = stresses_of(cell for score in columns for cell in score.cells)
    caption = CAPTION
    if columns[0].of_data:
        caption += f" What names no data is of {columns[0].heading.partition(' on ')[2]}."
    return [Table(heads, [Group("", rows)], caption, stresses=quoted, hint=HINT)]


def _cell(score: Score, model: str) -> Entry:
    reading = score.readings.get(model)
    return shown(reading, strong=reading is not None and score.reaches_best(reading))
