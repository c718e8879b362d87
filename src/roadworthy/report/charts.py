"""The charts of a report: an overview, one section per axis, and calibration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from roadworthy.report import marks
from roadworthy.report.axes import BUILDERS, MOST_SERIES, other
from roadworthy.report.cells import Cell, cells
from roadworthy.report.figure import Figure, points_of
from roadworthy.report.matrix import own_cells
from roadworthy.report.names import AXES
from roadworthy.report.points import Who, frame_points, reliability_points, who_of
from roadworthy.report.robustness import SECTION as ROBUSTNESS
from roadworthy.report.robustness import robustness_figures

if TYPE_CHECKING:
    import polars as pl


def figures(
    summary: Mapping[str, Any], flat: pl.DataFrame, rows: pl.DataFrame | None = None
) -> list[Figure]:
    """Return the charts of a report, in its order; none where there is nothing to draw.

    ``flat`` are the records as ``flat.judged`` returns them, ``rows`` all of them, for the curves of
    attacks: without, these are drawn from the summary alone. Sections are ``overview``, the axes
    present, ``robustness`` and ``calibration``. The specs hold their own data and name no address.
    """
    found = own_cells(cells(summary))
    who = who_of(found)
    made = [_overview(found, who)]
    curves = [] if rows is None else robustness_figures(rows, who)
    for axis in AXES:
        if axis == "clean" or (axis == "adversarial" and curves):
            continue
        if any(cell.axis == axis for cell in found):
            made += BUILDERS.get(axis, other)(axis, found, who)
    made += [*curves, *_frames(flat, who), *_calibration(found, flat, who)]
    order = ["overview", *AXES, ROBUSTNESS, "calibration"]
    return sorted((f for f in made if f), key=lambda figure: order.index(figure.section))


def _overview(found: Sequence[Cell], who: Who) -> Figure | None:
    ordered = sorted((c for c in found if not c.nested), key=lambda c: list(AXES).index(c.axis))
    one = len({(cell.model, cell.data, cell.source or cell.model) for cell in ordered}) == 1
    points = points_of(
        ordered, who, metric="top1", series=lambda cell: AXES[cell.axis] if one else ""
    )
    if not points:
        return None
    caption = (
        "Top-1 accuracy under every stress; lines are 95 % intervals. Further right is better."
    )
    return Figure("overview", "Overview", caption, marks.dots(points, title="top-1, %"))


def _frames(flat: pl.DataFrame, who: Who) -> list[Figure]:
    points = frame_points(flat, who)
    if not points or len({p["series"] for p in points}) > MOST_SERIES:
        return []
    chart = marks.bands(points, x="frame", y="top-1, %")
    return [Figure("sequence", "Accuracy over the frames", "Top-1 accuracy frame by frame.", chart)]


def _calibration(found: Sequence[Cell], flat: pl.DataFrame, who: Who) -> list[Figure]:
    made = []
    points = reliability_points(flat, who)
    kept = list(dict.fromkeys(p["series"] for p in points))[:MOST_SERIES]
    if points:
        chart = marks.reliability([p for p in points if p["series"] in kept])
        caption = "Below the dashed line the model is more confident than it is right."
        made.append(Figure("calibration", "Reliability", caption, chart))
    errors = points_of([c for c in found if not c.nested], who, metric="ece")
    if errors:
        chart = marks.dots(errors, title="expected calibration error, %", percent=False)
        caption = "Expected calibration error under every stress; further left is better."
        made.append(Figure("calibration", "Calibration error", caption, chart))
    return made
