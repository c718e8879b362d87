"""Several attacks with one budget in the summary: the worst case over them, image by image."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl

from roadworthy.metrics.attacked import is_minimal
from roadworthy.metrics.catalogue import failed as failed_of
from roadworthy.metrics.catalogue import usable as usable_of
from roadworthy.metrics.seen import empty_columns
from roadworthy.metrics.suite import SuiteCells, evaluate_suite
from roadworthy.report.cells import label_of
from roadworthy.report.names import WORST_CASE
from roadworthy.report.suites import Finding, Member
from roadworthy.run import CellRecord
from roadworthy.spec import SpecError, parse

ALIKE = ("source", "modifier", "norm", "frame_size", "pipeline")
"""What attacks have in common that may be taken together, beside model, data and target rule."""

_COLUMNS = (
    *("sample", "status", "correct", "success", "eps", "eps_numerator", "eps_denominator"),
    *("linf", "l2", "l1", "l0", *ALIKE),
)
_Key = tuple[Any, ...]


@dataclass
class Ensembles:
    """The attacks of a run by what they have in common, and by budget; None where there is none."""

    found: dict[_Key, dict[_Key | None, dict[str, Member]]] = field(default_factory=dict)

    def add(self, cell: CellRecord, records: pl.DataFrame) -> None:
        """Keep a cell if it is an attack, each of its variants by itself."""
        usable = usable_of(records)
        if "norm" in empty_columns(usable):
            return
        failed = failed_of(records)
        for variant in usable["variant"].unique(maintain_order=True):
            rows = usable.filter(pl.col("variant") == variant).select(_COLUMNS)
            alike = rows.select(pl.col(ALIKE).drop_nulls().first()).row(0)
            key = (cell.model, cell.data, cell.precision, _target(cell.stress), *alike)
            budget = None if is_minimal(rows) else _budget(rows)
            members = self.found.setdefault(key, {}).setdefault(budget, {})
            members.setdefault(label_of(cell.stress, variant), Member(cell, rows, None, failed))

    def results(self) -> Iterator[Finding]:
        """Yield the worst case over all attacks of each budget, and over all without one."""
        for by_budget in self.found.values():
            smallest = by_budget.get(None, {})
            yield from _worst(smallest)
            for budget in sorted((b for b in by_budget if b is not None), key=_size):
                yield from _worst({**by_budget[budget], **smallest})


def _worst(members: Mapping[str, Member]) -> Iterator[Finding]:
    if len(members) < 2:
        return
    rows = {label: member.rows for label, member in members.items()}
    spec = f"{WORST_CASE}({', '.join(members)})"
    for result in evaluate_suite("attacks", SuiteCells(stresses=tuple(rows), rows=rows)):
        over = list(members.values())
        yield Finding(spec, over[0].cell.data, spec, "", over, replace(result, stress=None))


def _budget(rows: pl.DataFrame) -> _Key:
    exact = rows.select("eps_numerator", "eps_denominator").drop_nulls().unique().rows()
    return exact[0] if len(exact) == 1 else (None, None)


def _size(budget: _Key) -> float:
    return float(budget[0] / budget[1]) if budget[0] is not None else 0.0


def _target(stress: str) -> str:
    try:
        return str(dict(parse(stress).params).get("target", "none"))
    except SpecError:
        return "none"
