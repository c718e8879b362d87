"""Which metrics a terminal has room for."""

from __future__ import annotations

from collections.abc import Sequence

from roadworthy.report.cells import Cell
from roadworthy.report.reading import Reading
from roadworthy.stress.norm_names import NORMS

COLUMNS = {
    "top1": "top-1 %",
    "ce": "CE, mCE %",
    "flip_rate": "FR, mFR %",
    "mt5d": "mT5D %",
    "mean_error": "error %",
    "drop": "drop",
    "robust_top1": "robust %",
    "success_rate": "success %",
    "median": "median change",
    "median_queries": "queries",
    "median_clever": "CLEVER",
    "certified_top1": "certified %",
    "certified_radius": "radius",
    "sis_size_median": "subset %",
    "disagreement": "changed %",
    "flip_probability": "flips %",
    "t5d": "T5D",
    "ece": "ECE %",
}
"""Metrics of the terminal table with their headings; those before lose their interval last."""

MEANS = {
    "mean_error": "expected_error",
    "ce": "mce",
    "flip_rate": "mfr",
    "robust_top1": "worst_case_top1",
    "top1": "pipeline_mean",
    "drop": "worst_drop",
    "disagreement": "flip_probability",
}
"""What a whole suite has in the column of a metric of its members: its mean, or the worst case."""

_NORMS = {f"median_{norm.lower()}": norm for norm in NORMS}
NOTHING = Reading(None, None, None)
_GAP = 3  # between two columns
_LEAST, _ENOUGH, _ENOUGH_EACH = 12, 30, 18  # characters of a name: at worst, alone, of several


def metrics_of(found: Sequence[Cell]) -> list[str]:
    """Return the metrics that have a value somewhere; top-1 always, mean error for suites."""
    return [m for m in COLUMNS if m == "top1" or any(_wanted(cell, m) for cell in found)]


def reading_in(cell: Cell, metric: str) -> Reading:
    """Return what a cell has in the column of ``metric``."""
    if metric == "median":
        return median_of(cell)[1]
    own = cell.readings.get(metric) or cell.readings.get(MEANS.get(metric, metric))
    return own or NOTHING


def median_of(cell: Cell) -> tuple[str, Reading]:
    """Return norm and median of the change that an attack needed, if it looked for the smallest.

    Medians per pixel are of the attack's own norm only, which tells it from the others.
    """
    found = next((m for m in _NORMS if f"{m}_per_pixel" in cell.readings), None)
    if "worst_case_median" in cell.readings:
        return "", cell.readings["worst_case_median"]
    if found is None or "robust_top1" in cell.readings:
        return "", NOTHING
    return _NORMS[found], cell.readings.get(found, NOTHING)


def _wanted(cell: Cell, metric: str) -> bool:
    # the mean error of one stress says what its top-1 says already
    told = metric == "mean_error" and "top1" in cell.readings
    told |= metric == "flip_probability" and "worst_drop" in cell.readings
    return not told and reading_in(cell, metric).text != NOTHING.text


def shown_text(cell: Cell, metric: str, wide: bool) -> str:
    """Return one metric of a cell, ``wide`` with its interval."""
    reading = reading_in(cell, metric)
    return reading.full if wide else reading.text


def fit(
    found: Sequence[Cell], names: int, counts: int, width: int
) -> tuple[list[tuple[str, bool]], int]:
    """Return the metrics that fit, each with or without its interval, and the room of a name.

    ``names`` is the number of columns with names, ``counts`` the characters that counts take.
    """
    metrics = metrics_of(found)
    longest = max((len(cell.label) for cell in found), default=_LEAST)
    needed = max(_LEAST, min(longest, _ENOUGH if names == 1 else _ENOUGH_EACH))
    options = [
        [(metric, i < wide) for i, metric in enumerate(metrics[:shown])]
        for shown in range(len(metrics), 0, -1)
        for wide in range(shown, 0, -1)
    ]
    for option in options:
        taken = counts + sum(_width(found, metric, wide) + _GAP for metric, wide in option)
        room = (width - taken) // names - _GAP
        if room >= needed:
            break
    return option, max(room, _LEAST)


def _width(found: Sequence[Cell], metric: str, wide: bool) -> int:
    return max(len(COLUMNS[metric]), *(len(shown_text(cell, metric, wide)) for cell in found), 0)
