"""Charts that several axes share: accuracy over levels, accuracy lost, and whatever there is."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from roadworthy.report import marks
from roadworthy.report.cells import Cell, stresses_of
from roadworthy.report.figure import Figure, points_of
from roadworthy.report.points import Who, family_of, point
from roadworthy.report.style import Point

MOST_SERIES = 8


def level_points(
    axis: str, found: Sequence[Cell], who: Who, x: Callable[[Cell], float | None], metric: str
) -> list[Point]:
    """Return the points of level curves, each starting at the clean accuracy of the same judge."""
    clean = {
        (c.model, c.data): c.readings["top1"]
        for c in found
        if c.axis == "clean" and c.value("top1") is not None
    }
    own = [c for c in found if c.axis == axis and not c.pooled and x(c) is not None]
    points = points_of(own, who, metric=metric, x=x, series=family_of)
    starts: dict[str, Point] = {}
    for cell, drawn in zip([c for c in own if c.value(metric) is not None], points, strict=True):
        start = clean.get((cell.model, cell.data))
        if start is not None:
            first = point(start, label="clean", series=drawn["series"], x=0.0)
            starts.setdefault(drawn["series"], first)
    return sorted([*starts.values(), *points], key=lambda p: (p["series"], p["x"]))


def lost(own: Sequence[Cell], who: Who) -> list[Figure]:
    """Draw the drop in top-1 of each cell, or else what ``other`` draws."""
    points = points_of(own, who, metric="drop")
    if not points:
        return other(own, who)
    title = "drop in top-1, points"
    caption = "Top-1 lost against the clean images, with 95 % intervals; right of zero is worse."
    chart = marks.dots(points, title=title, zero=True, percent=False)
    return [Figure("Accuracy lost", caption, chart, stresses_of(own))]


def other(own: Sequence[Cell], who: Who) -> list[Figure]:
    """Draw top-1, or else the first metric in percent that the cells have."""
    own = [c for c in own if not c.nested]
    known = [
        m for c in own for m, r in c.readings.items() if r.unit == "percent" and r.value is not None
    ]
    if not known:
        return []
    metric = "top1" if "top1" in known else known[0]
    points = points_of(own, who, metric=metric)
    chart = marks.dots(points, title=f"{metric}, %")
    return [Figure(metric, f"{metric} in percent, with 95 % intervals.", chart, stresses_of(own))]


def of_suites(found: Sequence[Cell], who: Who, metric: str, name: str) -> list[Figure]:
    """Draw a metric of the members of suites in percent of a baseline's, where there is one."""
    points = points_of([c for c in found if not c.nested], who, metric=metric)
    if not points:
        return []
    chart = marks.dots(points, title=f"{name}, %", percent=False)
    caption = f"{name} of each stress in percent of the baseline's, with 95 % intervals."
    own = [cell for cell in found if cell.value(metric) is not None]
    return [Figure(name, caption, chart, stresses_of(own))]
