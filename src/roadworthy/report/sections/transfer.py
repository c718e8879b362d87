"""Transfer: which model's adversarials fool which."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from roadworthy.report.blocks import (
    Block,
    Column,
    Entry,
    Heading,
    Row,
    Text,
    plain_table,
    shown,
)
from roadworthy.report.evidence import Evidence
from roadworthy.report.matrix import Line, Matrix, matrices
from roadworthy.report.reading import Reading
from roadworthy.report.sections.base import section

CAPTION = (
    "Rows are the models attacked, columns those that judge: the share of images attacked, and right "
    "on the judge when clean in the same frame, that reach the goal of the attack on the judge. The "
    "diagonal is the attack on the judge itself. Brackets are 95 % intervals; n shows when pointed "
    "at, and stands in summary.json."
)


@section(title="Transfer", place=500)
def transfer(evidence: Evidence) -> list[Block]:
    """Write a matrix for each attack that was handed on."""
    found = matrices(evidence.summary, evidence.every)
    made = [block for one in found for block in _blocks(one)]
    return [Text(CAPTION, "soft"), *made] if made else []


def _blocks(one: Matrix) -> Iterator[Block]:
    yield Heading(one.heading, code=one.title)
    columns = [Column("source"), *(Column(name, number=True) for name in one.judges)]
    rows = [_row(line, len(one.judges)) for line in one.lines]
    if one.clean:
        rows.append(Row([Entry("clean top-1, %"), *map(shown, one.clean)]))
    yield from plain_table(columns, rows)
    for note in one.notes:
        yield Text(f"{note[0].upper()}{note[1:]}.", "soft")


def _row(line: Line, judges: int) -> Row:
    if line.reason:
        return Row([Entry(line.source), Entry(f"n/a: {line.reason}", span=judges)])
    cells = [_cell(reading, own=at == line.own) for at, reading in enumerate(line.readings)]
    return Row([Entry(line.source), *cells])


def _cell(reading: Reading | None, *, own: bool) -> Entry:
    if reading is None or reading.value is None:
        return shown(reading, strong=own)
    entry = shown(reading, strong=own, title=f"n = {reading.n}")
    return replace(entry, heat=min(1.0, max(0.0, reading.value / 100)))
