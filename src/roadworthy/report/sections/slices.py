"""Slices: which groups of images fare worst."""

from __future__ import annotations

from itertools import chain

from roadworthy.report.blocks import Block, Column, Entry, Fold, Row, Text, plain_table, shown
from roadworthy.report.evidence import Evidence
from roadworthy.report.grouped import grouped
from roadworthy.report.sections.base import section
from roadworthy.report.slices import Slice
from roadworthy.report.slices import slices as slices_of

MOST = 40
OPEN = 2
"""Tables that are open; those of further models and data are folded."""
CAPTION = (
    "Top-1 of groups of images, with 95 % intervals of each group alone. Of many groups some look bad by "
    "chance: p compares a group with all other images (Fisher's exact test) and is corrected for all {n} "
    "groups of the table (Holm). Groups that are surely worse come first and are marked."
)


@section(title="Slices", place=1100)
def slices(evidence: Evidence) -> list[Block]:
    """List groups by the columns of the data and by what images look like, the worst first."""
    tables: list[list[Block]] = []
    for one in grouped(evidence):
        found = slices_of(one.samples)
        if not found:
            continue
        stressed = any(s.stressed is not None for s in found)
        columns = [*map(Column, ("attribute", "group", "")), Column("n", number=True)]
        columns += [Column(text, number=True) for text in ("top-1 %", "others %", "corrected p")]
        columns += [Column("under corruptions %", number=True)] * stressed
        rows = [_row(s, one.name, stressed) for s in found[:MOST]]
        more = len(found) - len(rows)
        caption = CAPTION.format(n=len(found)) + (
            f" {more} better groups are left out." if more else ""
        )
        made: list[Block] = [
            *plain_table(columns, rows, caption=f"{one.title}: {caption}" if one.title else caption)
        ]
        if not any(s.worse for s in found):
            made.append(Text("No group is surely worse than the rest.", "soft"))
        tables.append([*made, *(Text(note, "soft") for note in one.notes)])
    first, others = list(chain(*tables[:OPEN])), list(chain(*tables[OPEN:]))
    return [*first, Fold("further models and data", others)] if others else first


def _row(one: Slice, model: str, stressed: bool) -> Row:
    p = "< 0.001" if one.p < 0.001 else f"{one.p:.3f}"
    entries = [
        Entry(one.attribute),
        Entry(one.group),
        Entry("worse" if one.worse else "", bad=one.worse),
        Entry(str(one.n), number=True),
        shown(one.clean),
        Entry(f"{one.rest:.1f}", number=True),
        Entry(p, number=True),
    ]
    return Row([*entries, *[shown(one.stressed)][: int(stressed)]], about=model)
