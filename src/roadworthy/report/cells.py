"""The rows of a summary, regrouped: one cell per model, data, source, stress and variant."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from roadworthy.report.names import axis_of, clean_text

MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True)
class Reading:
    """A metric as measured: value with its 95 % interval, in ``unit``; None where unknown."""

    value: float | None
    low: float | None
    high: float | None
    unit: str = "percent"
    n: int = 0

    @property
    def text(self) -> str:
        """The value alone: ``71.3``; one decimal for percent and points, three for the rest."""
        return number(self.value, self.unit)

    @property
    def interval(self) -> str:
        """The interval alone: ``[65.0, 77.0]``; empty where there is none."""
        if self.low is None or self.high is None:
            return ""
        return f"[{number(self.low, self.unit)}, {number(self.high, self.unit)}]"

    @property
    def full(self) -> str:
        """Value and interval: ``71.3 [65.0, 77.0]``."""
        return f"{self.text} {self.interval}".strip()


@dataclass(frozen=True)
class Cell:
    """Everything measured for one model on one data set under one variant of one stress.

    ``pooled`` marks the row over several variants, ``nested`` the rows of those variants.
    """

    model: str
    data: str
    source: str
    stress: str
    variant: str
    readings: dict[str, Reading] = field(default_factory=dict)
    n: int = 0
    failed: int = 0
    pooled: bool = False
    nested: bool = False

    @property
    def axis(self) -> str:
        """The axis of the stress."""
        return axis_of(self.stress)

    @property
    def label(self) -> str:
        """Stress and variant in one text, without repeating what the stress says already."""
        said = not self.variant or re.search(rf"[(, ]{re.escape(self.variant)}[,)]", self.stress)
        return self.stress if said else f"{self.stress} {self.variant}"

    def value(self, metric: str) -> float | None:
        """Return the value of ``metric``, None where it was not measured."""
        reading = self.readings.get(metric)
        return reading.value if reading else None


def number(value: float | None, unit: str) -> str:
    """Return ``value`` as text in the precision of its unit; ``–`` for None; never ``-0.0``."""
    if value is None:
        return "–"
    digits = 1 if unit in ("percent", "points") else 3
    text = f"{value:.{digits}f}"
    return text.lstrip("-") if float(text) == 0 else text.replace("-", MINUS)


def real(value: Any) -> float | None:
    """Return a finite float, None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None


def count(value: Any) -> int:
    """Return a count, 0 for anything that is none."""
    known = real(value)
    return int(known) if known is not None and known > 0 else 0


def entries(parent: Any, key: str) -> list[Mapping[str, Any]]:
    """Return the dictionaries in the list under ``key``; nothing where a file is damaged."""
    found = parent.get(key) if isinstance(parent, Mapping) else None
    return [entry for entry in found if isinstance(entry, Mapping)] if isinstance(found, list) else []


def text_of(entry: Mapping[str, Any], key: str) -> str:
    """Return the text under ``key`` in one line, empty for None."""
    value = entry.get(key)
    return "" if value is None else clean_text(value)


def cells(summary: Mapping[str, Any]) -> list[Cell]:
    """Return the cells of a summary in its order; unreadable rows are left out."""
    found: dict[tuple[str, ...], Cell] = {}
    keys = ("model", "data", "source", "stress", "variant")
    for row in entries(summary, "rows"):
        key = tuple(text_of(row, name) for name in keys)
        metric = text_of(row, "metric")
        if not metric or not key[3]:
            continue
        reading = Reading(
            *(real(row.get(name)) for name in ("value", "low", "high")),
            unit=text_of(row, "unit"),
            n=count(row.get("n")),
        )
        cell = found.get(key, Cell(*key))
        found[key] = Cell(
            *key,
            readings={**cell.readings, metric: reading},
            n=max(cell.n, reading.n),
            failed=max(cell.failed, count(row.get("failed"))),
        )
    return _related(list(found.values()))


def _related(found: list[Cell]) -> list[Cell]:
    groups: dict[tuple[str, ...], set[str]] = {}
    for cell in found:
        groups.setdefault(_group(cell), set()).add(cell.variant)
    several = {group for group, variants in groups.items() if "" in variants and len(variants) > 1}
    return [
        replace(cell, pooled=not cell.variant, nested=bool(cell.variant))
        if _group(cell) in several
        else cell
        for cell in found
    ]


def _group(cell: Cell) -> tuple[str, ...]:
    return (cell.model, cell.data, cell.source, cell.stress)


def distinct(values: Iterable[str]) -> list[str]:
    """Return the distinct values in order of appearance."""
    return list(dict.fromkeys(values))
