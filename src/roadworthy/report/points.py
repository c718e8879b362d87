"""From cells and records to the points of a chart."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from roadworthy.report.cells import Cell
from roadworthy.report.names import model_names, short_names
from roadworthy.report.reading import Reading
from roadworthy.report.style import Point

if TYPE_CHECKING:
    pass

Who = Callable[[str, str, str], str]
"""(model, data, source) -> what tells them apart in this report; empty where nothing varies."""

_EPS = re.compile(r"\beps=(\d+(?:\.\d+)?)(?:/(\d+))?")
_SEVERITY = re.compile(r"\bseverity=(\d+)")


def who_of(cells: Sequence[Cell]) -> Who:
    """Return how to name a judge: by model and data set, each only where there are several."""
    named = [text for cell in cells for text in (cell.model, cell.source) if text]
    models = model_names(named, 32)
    data = short_names([cell.data for cell in cells], 28)
    several = [len({getattr(cell, name) for cell in cells}) > 1 for name in ("model", "data")]

    def who(model: str, dataset: str, source: str = "") -> str:
        names = [models.get(model, model)] * several[0] + [data.get(dataset, dataset)] * several[1]
        if source and source != model:
            names.append(f"made on {models.get(source, source)}")
        return " · ".join(names)

    return who


def point(reading: Reading, *, label: str, series: str, x: float | None = None) -> Point:
    """Return one point of a chart with the text its tooltip shows."""
    return {
        "label": label,
        "series": series,
        "x": x,
        "value": reading.value,
        "low": reading.low,
        "high": reading.high,
        "text": reading.full,
        "n": reading.n,
    }


def eps_of(cell: Cell) -> float | None:
    """Return the budget of an attack: in 1/255 for Linf, in pixel values of [0, 1] for L2."""
    found = _EPS.search(cell.variant) or _EPS.search(cell.stress)
    if found is None:
        return None
    value = float(found[1]) / float(found[2] or 1) if float(found[2] or 1) else 0.0
    return value * 255 if norm_of(cell) == "Linf" else value


def norm_of(cell: Cell) -> str:
    """Return the norm of an attack, Linf where the spec does not say."""
    return "L2" if re.search(r"\bnorm=L2\b", f"{cell.stress} {cell.variant}") else "Linf"


def severity_of(cell: Cell) -> float | None:
    """Return the severity of a corruption, None for a strength given by name."""
    found = _SEVERITY.search(cell.variant) or _SEVERITY.search(cell.stress)
    return float(found[1]) if found else None


def family_of(cell: Cell) -> str:
    """Return the stress without its level, so that all levels lie on one line."""
    return family(cell.stress)


def family(stress: str) -> str:
    """Return a spec without its level."""
    text = re.sub(r"\b(?:eps|severity)=(?:\[[^\]]*\]|[^,()]*)(?:,\s*)?", "", stress)
    return re.sub(r",\s*\)", ")", text).replace("()", "")


def percent(share: float, n: int) -> Reading:
    """Return a share as percent with its Wilson interval; ``n`` is the number of distinct samples.

    Where a sample has several rows this counts it once, which errs on the wide side.
    """
    from roadworthy.metrics.interval import wilson

    low, high = wilson(share * n, n)
    return Reading(100 * share, 100 * float(low), 100 * float(high), "percent", n)
