"""The charts of a report: an overview, one section per axis, and calibration."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from roadworthy.report import marks
from roadworthy.report.cells import Cell, Reading, cells
from roadworthy.report.marks import Point
from roadworthy.report.names import AXES, short_names
from roadworthy.report.points import (
    Who,
    eps_of,
    family_of,
    frame_points,
    norm_of,
    point,
    reliability_points,
    severity_of,
    who_of,
)

if TYPE_CHECKING:
    import polars as pl

MOST_SERIES = 8


@dataclass(frozen=True)
class Figure:
    """A Vega-Lite spec with its data, the section it belongs to, and what it says in words."""

    section: str
    title: str
    caption: str
    spec: dict[str, Any]


def figures(summary: Mapping[str, Any], flat: pl.DataFrame) -> list[Figure]:
    """Return the charts of a report, in its order; none where there is nothing to draw.

    ``flat`` are the records as ``flat.judged`` returns them. Sections are ``overview``, the axes
    present, and ``calibration``. The specs hold their own data and name no address.
    """
    found = cells(summary)
    who = who_of(found)
    made = [_overview(found, who)]
    for axis in AXES:
        if axis != "clean" and any(cell.axis == axis for cell in found):
            made += _BUILDERS.get(axis, _other)(axis, found, who)
    made += [*_frames(flat, who), *_calibration(found, flat, who)]
    order = ["overview", *AXES, "calibration"]
    return sorted((f for f in made if f), key=lambda figure: order.index(figure.section))


def _figure(section: str, title: str, caption: str, chart: Any) -> Figure:
    spec = chart.to_dict()
    spec.pop("$schema", None)  # an address, and the page says itself which language it is
    return Figure(section, title, caption, spec)


def _points(
    found: Iterable[Cell],
    who: Who,
    *,
    metric: str,
    x: Callable[[Cell], float | None] | None = None,
    series: Callable[[Cell], str] = lambda cell: "",
    width: int = 44,
) -> list[Point]:
    measured = [cell for cell in found if cell.value(metric) is not None]
    names = short_names([cell.label for cell in measured], width)
    return [
        point(
            cell.readings[metric],
            label=names[cell.label],
            series=" · ".join(filter(None, (who(cell.model, cell.data, cell.source), series(cell)))),
            x=x(cell) if x else None,
        )
        for cell in measured
    ]


def _overview(found: Sequence[Cell], who: Who) -> Figure | None:
    ordered = sorted((c for c in found if not c.nested), key=lambda c: list(AXES).index(c.axis))
    one = len({(cell.model, cell.data, cell.source or cell.model) for cell in ordered}) == 1
    points = _points(
        ordered, who, metric="top1", series=lambda cell: AXES[cell.axis] if one else ""
    )
    if not points:
        return None
    caption = "Top-1 accuracy under every stress; lines are 95 % intervals. Further right is better."
    return _figure("overview", "Overview", caption, marks.dots(points, title="top-1, %"))


def _levels(
    axis: str, found: Sequence[Cell], who: Who, x: Callable[[Cell], float | None], metric: str
) -> list[Point]:
    """Return the points of level curves, each starting at the clean accuracy of the same judge."""
    clean = {(c.model, c.data): c.readings["top1"] for c in found if c.axis == "clean" and c.value("top1")}
    own = [c for c in found if c.axis == axis and not c.pooled and x(c) is not None]
    points = _points(own, who, metric=metric, x=x, series=family_of)
    starts: dict[str, Point] = {}
    for cell, drawn in zip([c for c in own if c.value(metric) is not None], points, strict=True):
        start: Reading | None = clean.get((cell.model, cell.data))
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
    return [_figure(axis, "Accuracy over severity", caption, chart)]


def _adversarial(axis: str, found: Sequence[Cell], who: Who) -> list[Figure]:
    made = []
    own = [c for c in found if c.axis == axis]
    metric = "robust_top1" if any(c.value("robust_top1") is not None for c in own) else "top1"
    for norm, unit in (("Linf", "Linf, in 1/255"), ("L2", "L2, pixels in 0 to 1")):
        here = [c for c in found if c.axis == "clean" or (c.axis == axis and norm_of(c) == norm)]
        points = _levels(axis, here, who, eps_of, metric)
        if points:
            chart = marks.curves(points, x=f"eps ({unit}); 0 is clean", y="accuracy under attack, %")
            caption = "Percent of images still right under attack, over the attack's budget."
            made.append(_figure(axis, f"Accuracy over eps ({norm})", caption, chart))
    return made or _other(axis, found, who)


def _systematic(axis: str, found: Sequence[Cell], who: Who) -> list[Figure]:
    return _drop_or(axis, [c for c in found if c.axis == axis and not c.pooled], who)


def _drop_or(axis: str, own: Sequence[Cell], who: Who) -> list[Figure]:
    points = _points(own, who, metric="drop")
    if not points:
        return _other(axis, own, who)
    title = "drop in top-1, points"
    caption = "Top-1 lost against the clean images, with 95 % intervals; right of zero is worse."
    chart = marks.dots(points, title=title, zero=True, percent=False)
    return [_figure(axis, "Accuracy lost", caption, chart)]


def _sequence(axis: str, found: Sequence[Cell], who: Who) -> list[Figure]:
    points = _points([c for c in found if c.axis == axis], who, metric="flip_probability")
    if not points:
        return _other(axis, found, who)
    caption = "How often the prediction changes from one frame to the next; further left is better."
    chart = marks.dots(points, title="flip probability, %")
    return [_figure(axis, "Flips between frames", caption, chart)]


def _other(axis: str, found: Sequence[Cell], who: Who) -> list[Figure]:
    """Draw the first metric in percent that an axis has."""
    own = [c for c in found if c.axis == axis and not c.nested]
    known = [m for c in own for m, r in c.readings.items() if r.unit == "percent" and r.value is not None]
    if not known:
        return []
    metric = "top1" if "top1" in known else known[0]
    points = _points(own, who, metric=metric)
    chart = marks.dots(points, title=f"{metric}, %")
    return [_figure(axis, metric, f"{metric} in percent, with 95 % intervals.", chart)]


_BUILDERS: dict[str, Callable[[str, Sequence[Cell], Who], list[Figure]]] = {
    "corruption": _corruption,
    "adversarial": _adversarial,
    "systematic": _systematic,
    "sequence": _sequence,
}


def _frames(flat: pl.DataFrame, who: Who) -> list[Figure]:
    points = frame_points(flat, who)
    if not points or len({p["series"] for p in points}) > MOST_SERIES:
        return []
    chart = marks.bands(points, x="frame", y="top-1, %")
    return [_figure("sequence", "Accuracy over the frames", "Top-1 accuracy frame by frame.", chart)]


def _calibration(found: Sequence[Cell], flat: pl.DataFrame, who: Who) -> list[Figure]:
    made = []
    points = reliability_points(flat, who)
    kept = list(dict.fromkeys(p["series"] for p in points))[:MOST_SERIES]
    if points:
        chart = marks.reliability([p for p in points if p["series"] in kept])
        caption = "Below the dashed line the model is more confident than it is right."
        made.append(_figure("calibration", "Reliability", caption, chart))
    errors = _points([c for c in found if not c.nested], who, metric="ece")
    if errors:
        chart = marks.dots(errors, title="expected calibration error, %", percent=False)
        caption = "Expected calibration error under every stress; further left is better."
        made.append(_figure("calibration", "Calibration error", caption, chart))
    return made
