"""Classes with the lowest accuracy first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from roadworthy.metrics.mcnemar import holm
from roadworthy.report.blocks import Block, Column, Entry, Fold, Row, plain_table, shown
from roadworthy.report.cells import distinct, entries, text_of
from roadworthy.report.evidence import Evidence
from roadworthy.report.reading import Reading, reading_of
from roadworthy.report.sections.base import section
from roadworthy.report.slices import SURE, fisher

MOST_CLASSES = 25
MOST_STRESSES = 6
OPEN = 2
"""Tables that are open; those of further models are folded."""

Class = dict[str, Reading]
"""Accuracy of one class under each stress."""


@section(title="Worst classes", place=1000)
def classes(evidence: Evidence) -> list[Block]:
    """List the classes with the lowest mean accuracy over the stresses first, 25 a table."""
    tables: dict[tuple[str, str], dict[tuple[str, str], Class]] = {}
    for entry in entries(evidence.summary, "per_class"):
        key = (text_of(entry, "model"), text_of(entry, "data"))
        label, name = text_of(entry, "label"), text_of(entry, "name")
        reading = reading_of(entry, value="top1")
        if reading.value is not None:
            # by label as well: ImageNet has two cranes and two maillots
            known = tables.setdefault(key, {}).setdefault((name, label), {})
            known[text_of(entry, "stress")] = reading
    made = [
        block for key, found in tables.items() for block in _table(evidence.who(*key, ""), found)
    ]
    return (
        made if len(made) <= OPEN else [*made[:OPEN], Fold("further models and data", made[OPEN:])]
    )


def _table(title: str, found: Mapping[tuple[str, str], Class]) -> list[Any]:
    stresses = distinct(stress for own in found.values() for stress in own)[:MOST_STRESSES]
    ordered = sorted(found.items(), key=_badness)
    worse = _surely_worse(found, stresses[0])
    faulty = [item for item in ordered if _badness(item)[0] < 100] or ordered
    rows = [
        Row(
            [
                Entry(name or f"class {label}"),
                Entry("worse" if (name, label) in worse else "", bad=(name, label) in worse),
                Entry(str(max(reading.n for reading in own.values())), number=True),
                *(shown(own.get(stress)) for stress in stresses),
            ]
        )
        for (name, label), own in faulty[:MOST_CLASSES]
    ]
    more = len(ordered) - len(rows)
    others = "1 better class is" if more == 1 else f"{more} better classes are"
    left = f"; {others} left out" if more > 0 else ""
    columns = [Column("class"), Column("verdict"), Column("n", number=True)]
    columns += [Column(stress, number=True, code=True) for stress in stresses]
    caption = (
        f"{f'{title}: ' if title else ''}Top-1 in percent per class, lowest mean first{left}. Of "
        f"{len(ordered)} classes some look bad by chance: {len(worse) or 'none'} of them "
        f"{'is' if len(worse) == 1 else 'are'} surely worse than the rest "
        "(Fisher's exact test, corrected for their number by Holm)."
    )
    return [*plain_table(columns, rows, caption=caption)]


def _surely_worse(found: Mapping[tuple[str, str], Class], stress: str) -> set[tuple[str, str]]:
    """Return the classes that are worse under ``stress`` than all others together."""
    known = {key: own[stress] for key, own in found.items() if stress in own and own[stress].n}
    counts = {key: (round((r.value or 0.0) * r.n / 100), r.n) for key, r in known.items()}
    right, n = (sum(pair[i] for pair in counts.values()) for i in (0, 1))
    below = [key for key, (hits, size) in counts.items() if size < n and hits * n < right * size]
    if not below:
        return set()
    single = [fisher(*counts[key], right - counts[key][0], n - counts[key][1]) for key in below]
    # all classes count as tried, also those that came out better
    corrected = holm([*single, *[1.0] * (len(counts) - len(below))])
    return {key for key, p in zip(below, corrected, strict=False) if p < SURE}


def _badness(item: tuple[tuple[str, str], Class]) -> tuple[float, tuple[str, str]]:
    values = [reading.value or 0.0 for reading in item[1].values()]
    return sum(values) / len(values), item[0]
