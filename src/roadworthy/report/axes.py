"""The charts of each axis: one function an axis, and one for axes that nobody foresaw."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from roadworthy.report import marks
from roadworthy.report.cells import Cell
from roadworthy.report.figure import Figure, points_of
from roadworthy.report.points import Who, eps_of, family_of, norm_of, point, severity_of
from roadworthy.report.style import Point

MOST_SERIES = 8


def _levels(
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


def _corruption(axis: str, found: Sequence[Cell], who: Who) -> list[Figure]:
    points = _levels(axis, found, who, severity_of, "top1")
    own = [c for c in found if c.axis == axis]
    levels, lines = {p["x"] for p in points} - {0.0}, {p["series"] for p in points}
    if len(levels) < 2 or len(lines) > MOST_SERIES:
        return _drop_or(axis, [c for c in own if not c.nested], who)
    chart = marks.curves(points, x="severity (0 is clean)", y="top-1, %", integer=True)
    caption = "Top-1 accuracy over severity, with 95 % intervals."
    return [Figure(axis, "Accuracy over severity", caption, chart)]


def _adversarial(axis: str, found: Sequence[Cell], who: Who) -> list[Figure]:
    made = []
    own = [c for c in found if c.axis == axis]
    metric = "robust_top1" if any(c.value("robust_top1") is not None for c in own) else "top1"
    for norm, unit in (("Linf", "Linf, in 1/255"), ("L2", "L2, pixels in 0 to 1")):
        here = [c for c in found if c.axis == "clean" or (c.axis == axis and norm_of(c) == norm)]
        points = _levels(axis, here, who, eps_of, metric)
        if points:
            chart = marks.curves(
                points, x=f"eps ({unit}); 0 is clean", y="accuracy under attack, %"
            )
            caption = "Percent of images still right under attack, over the attack's budget."
            made.append(Figure(axis, f"Accuracy over eps ({norm})", caption, chart))
    return made or other(axis, found, who)


def _systematic(axis: str, found: Sequence[Cell], who: Who) -> list[Figure]:
    return _drop_or(axis, [c for c in found if c.axis == axis and not c.pooled], who)


def _drop_or(axis: str, own: Sequence[Cell], who: Who) -> list[Figure]:
    points = points_of(own, who, metric="drop")
    if not points:
        return other(axis, own, who)
    title = "drop in top-1, points"
    caption = "Top-1 lost against the clean images, with 95 % intervals; right of zero is worse."
    chart = marks.dots(points, title=title, zero=True, percent=False)
    return [Figure(axis, "Accuracy lost", caption, chart)]


def _sequence(axis: str, found: Sequence[Cell], who: Who) -> list[Figure]:
    points = points_of([c for c in found if c.axis == axis], who, metric="flip_probability")
    if not points:
        return other(axis, found, who)
    caption = "How often the prediction changes from one frame to the next; further left is better."
    chart = marks.dots(points, title="flip probability, %")
    return [Figure(axis, "Flips between frames", caption, chart)]


def other(axis: str, found: Sequence[Cell], who: Who) -> list[Figure]:
    """Draw top-1, or else the first metric in percent that an axis has."""
    own = [c for c in found if c.axis == axis and not c.nested]
    known = [
        m for c in own for m, r in c.readings.items() if r.unit == "percent" and r.value is not None
    ]
    if not known:
        return []
    metric = "top1" if "top1" in known else known[0]
    points = points_of(own, who, metric=metric)
    chart = marks.dots(points, title=f"{metric}, %")
    return [Figure(axis, metric, f"{metric} in percent, with 95 % intervals.", chart)]


def _suite(axis: str, found: Sequence[Cell], who: Who) -> list[Figure]:
    for metric, name in (("ce", "Corruption error"), ("flip_rate", "Flip rate")):
        points = points_of([c for c in found if not c.nested], who, metric=metric)
        if points:
            chart = marks.dots(points, title=f"{name}, %")
            caption = f"{name} of each stress in percent of the baseline's, with 95 % intervals."
            return [Figure(axis, name, caption, chart)]
    return []


BUILDERS: dict[str, Callable[[str, Sequence[Cell], Who], list[Figure]]] = {
    "suite": _suite,
    "corruption": _corruption,
    "adversarial": _adversarial,
    "systematic": _systematic,
    "sequence": _sequence,
}
