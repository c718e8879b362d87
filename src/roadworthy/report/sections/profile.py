"""Operating profiles: what each condition adds, and the worst plausible mixture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from roadworthy.report.blocks import Block, Column, Entry, Heading, Row, Text, plain_table
from roadworthy.report.cells import entries, text_of
from roadworthy.report.evidence import Evidence
from roadworthy.report.profiles import METRICS, sentences
from roadworthy.report.reading import number, real
from roadworthy.report.sections.base import section

CAPTION = (
    "How often each condition is met, its error, its share of the expected error, and how often it "
    "is met in the worst plausible mixture. Plausible are mixtures of which no more than the "
    "profile's distance lies elsewhere, each condition within its range."
)


@section(title="Operating profile", place=350)
def profile(evidence: Evidence) -> list[Block]:
    """Say what to expect in operation, and list the conditions of each profile."""
    found: list[Block] = [Text(line) for line in sentences(evidence.summary)]
    for one in entries(evidence.summary, "profiles"):
        who = evidence.who(text_of(one, "model"), text_of(one, "data"), "")
        found.append(Heading(": ".join(filter(None, (text_of(one, "name"), who)))))
        found.extend(_table(one))
    return found


def _table(one: Mapping[str, Any]) -> list[Any]:
    conditions = entries(one, "conditions")
    kinds = [kind for kind in METRICS if any(kind in condition for condition in conditions)]
    columns = [Column("condition"), Column("stress"), Column("probability %", number=True)]
    for kind in kinds:
        worst = "in the worst mixture" + (f" by {kind}" if len(kinds) > 1 else "")
        heads = (f"{kind}{' %' if kind == 'error' else ''}", "share %", f"{worst} %")
        columns += [Column(head, number=True) for head in heads]
    rows = []
    for condition in conditions:
        probability = real(condition.get("probability")) or 0.0
        cells = [Entry(text_of(condition, "name")), Entry(text_of(condition, "stress"), code=True)]
        cells.append(_percent(probability))
        for kind in kinds:
            value = real(condition.get(kind))
            total = sum(
                (real(c.get("probability")) or 0.0) * (real(c.get(kind)) or 0.0) for c in conditions
            )
            share = probability * (value or 0.0) / total if total else 0.0
            cells.append(Entry(number(value, METRICS[kind]), number=True))
            cells += [_percent(share), _percent(real(condition.get(f"worst_for_{kind}")))]
        rows.append(Row(cells))
    return [*plain_table(columns, rows, caption=CAPTION)]


def _percent(value: float | None) -> Entry:
    return Entry(number(None if value is None else 100 * value, "percent"), number=True)
