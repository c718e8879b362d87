"""The rows of a summary, regrouped: one cell per model, data, source, stress and variant."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from roadworthy.report.names import axis_of, clean_text
from roadworthy.report.reading import Reading, count, reading_of
from roadworthy.spec import SpecError, format_value, parse

CONTROLS = ("control=", "baseline=", "fraction=", "subset=")
"""What tells the controls of subsets, and those of fixed sizes, from the subsets themselves."""

_KEY = ("model", "data", "source", "stress", "variant")


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
    readings: Mapping[str, Reading] = field(default_factory=dict)
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
        """Stress and variant in one text."""
        return label_of(self.stress, self.variant)

    def value(self, metric: str) -> float | None:
        """Return the value of ``metric``, None where it was not measured."""
        reading = self.readings.get(metric)
        return reading.value if reading else None


@lru_cache(maxsize=4096)
def label_of(stress: str, variant: str) -> str:
    """Return stress and variant in one text: ``fog(severity=1..5)`` at 3 is ``fog(severity=3)``.

    A level that the stress leaves at its default is put first: ``pgd(eps=4/255, steps=10)``.
    """
    if "=" not in variant:
        return f"{stress} {variant}".strip()
    for setting in reversed(_settings(variant)):
        stress = _set(stress, setting)
    return stress


def _settings(variant: str) -> list[str]:
    """Return the parts of ``side=24,resize=box``; values may hold commas in brackets."""
    try:
        params = parse(f"of({variant})").params if "," in variant else ()
    except SpecError:
        params = ()
    return [f"{name}={format_value(value)}" for name, value in params] or [variant]


def _set(stress: str, setting: str) -> str:
    key = re.escape(setting.partition("=")[0])
    level = rf"(?<=[(, ]){key}=(?:\[[^\]]*\]|[^,()]*)(?=[,)])"
    text, replaced = re.subn(level, lambda _: setting, stress, count=1)
    if replaced:
        return text
    name, opened, rest = stress.partition("(")
    return f"{name}({setting}, {rest}" if opened else f"{stress}({setting})"


def entries(parent: Any, key: str) -> list[Mapping[str, Any]]:
    """Return the dictionaries in the list under ``key``; nothing where a file is damaged."""
    found = parent.get(key) if isinstance(parent, Mapping) else None
    return (
        [entry for entry in found if isinstance(entry, Mapping)] if isinstance(found, list) else []
    )


def text_of(entry: Mapping[str, Any], key: str) -> str:
    """Return the text under ``key`` in one line, empty for None."""
    value = entry.get(key)
    return "" if value is None else clean_text(value)


def key_of(entry: Mapping[str, Any], key: str) -> str:
    """Return the text under ``key`` as it is, to look something up by; empty for None."""
    value = entry.get(key)
    return "" if value is None else str(value)


def cells(summary: Mapping[str, Any]) -> list[Cell]:
    """Return the cells of a summary in its order; unreadable rows are left out."""
    found: dict[tuple[str, ...], Cell] = {}
    for row in entries(summary, "rows"):
        model, data, source, stress, variant = key = tuple(text_of(row, name) for name in _KEY)
        metric = text_of(row, "metric")
        if not metric or not stress:
            continue
        reading = reading_of(row, unit=text_of(row, "unit"))
        cell = found.get(key) or Cell(model, data, source, stress, variant)
        found[key] = replace(
            cell,
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
        else replace(cell, nested=any(mark in cell.variant for mark in CONTROLS))
        for cell in found
    ]


def _group(cell: Cell) -> tuple[str, ...]:
    return (cell.model, cell.data, cell.source, cell.stress)


def stresses_of(found: Iterable[Cell]) -> list[str]:
    """Return the stresses of cells in order of appearance."""
    return distinct(cell.stress for cell in found)


def distinct(values: Iterable[str]) -> list[str]:
    """Return the distinct values in order of appearance."""
    return list(dict.fromkeys(values))
