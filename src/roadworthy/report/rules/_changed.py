"""Systematic noise: points lost, or answers changed where as many become right as wrong."""

from __future__ import annotations

from collections.abc import Collection

from roadworthy.report.cells import Cell
from roadworthy.report.names import stress_names
from roadworthy.report.rules.base import LEAST, Judged, as_points, level_of, percent
from roadworthy.report.sentence import Sentence


def changed(
    judged: Judged, title: str, names: Collection[str], advice: str, *, others: bool = False
) -> Sentence | None:
    """Return what the worst of the stresses ``names`` changes; with ``others`` all but these."""
    found = []
    for cell in judged.cells:
        known = cell.stress.partition("(")[0] in names
        if cell.axis == "systematic" and not cell.pooled and known is not others:
            found += [(cost, sure, cell) for cost, sure in [_cost(cell)] if sure > LEAST]
    if not found:
        return None
    cost, sure, cell = max(found, key=lambda one: (one[1], one[0], one[2].label))
    name = stress_names([cell.label], 56)[cell.label]
    said = f"{title}: {name} {_what(cell)}."
    return Sentence(said, advice, cost, level_of(sure))


def _cost(cell: Cell) -> tuple[float, float]:
    """Return the larger of points lost and percent of answers changed that is surely there."""
    known = [cell.readings[name] for name in ("drop", "disagreement") if name in cell.readings]
    costs = [(r.value or 0.0, r.low) for r in known if r.value is not None and r.low is not None]
    return max(costs, key=lambda one: one[1], default=(0.0, 0.0))


def _what(cell: Cell) -> str:
    drop, other = cell.readings.get("drop"), cell.readings.get("disagreement")
    parts = []
    if other is not None and other.value is not None:
        parts.append(f"changes {percent(other)} of its answers")
    if drop is not None and drop.value is not None:
        lost = "takes" if drop.value >= 0 else "even gives"
        shown = as_points(drop) if drop.value >= 0 else f"{-drop.value:.1f} points"
        parts.append(f"{lost} {shown} of accuracy")
    return " and ".join(parts)
