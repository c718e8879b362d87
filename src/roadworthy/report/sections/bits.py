"""Fewer bits: what a network keeps along each axis when it is quantised."""

from __future__ import annotations

from roadworthy.report.bits import HEADINGS, BitTable, bit_tables
from roadworthy.report.blocks import Block, Column, Entry, Group, Row, Table, shown
from roadworthy.report.evidence import Evidence
from roadworthy.report.sections.base import section
from roadworthy.studies.bits import AXES

MEANING = "; ".join(f"{HEADINGS[axis]}: {meaning}" for axis, meaning in AXES.items())
CAPTION = (
    f"{MEANING}. If a model with few bits holds out under attacks made for it, but not on what was "
    "made for the float model, its gradients are masked and the lower number counts."
)


@section(title="Fewer bits", place=710)
def bits(evidence: Evidence) -> list[Block]:
    """List what is left of each model with so many bits, axis by axis."""
    return [block for one in bit_tables(evidence.summary) for block in _table(one)]


def _table(one: BitTable) -> list[Block]:
    columns = [Column("bits"), *(Column(HEADINGS[axis], number=True) for axis in one.axes)]
    rows = [
        Row(
            [
                Entry(line.called),
                *(shown(line.readings.get(a), title=line.of.get(a, "")) for a in one.axes),
            ]
        )
        for line in one.lines
    ]
    return [Table(columns, [Group("", rows)], CAPTION, one.title)]
