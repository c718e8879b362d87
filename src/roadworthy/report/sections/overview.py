"""Accuracy under everything that was run, in one chart."""

from __future__ import annotations

from roadworthy.report import marks
from roadworthy.report.blocks import Block
from roadworthy.report.evidence import Evidence
from roadworthy.report.figure import Figure, points_of
from roadworthy.report.names import AXES
from roadworthy.report.sections.base import section


@section(title="Overview", place=100)
def overview(evidence: Evidence) -> list[Block]:
    """Draw top-1 under every stress, pooled over its variants."""
    found = [c for c in evidence.cells if not c.nested and c.source in ("", c.model)]
    ordered = sorted(found, key=lambda cell: list(AXES).index(cell.axis))
    one = len({(cell.model, cell.data) for cell in ordered}) == 1
    points = points_of(
        ordered, evidence.who, metric="top1", series=lambda cell: AXES[cell.axis] if one else ""
    )
    if not points:
        return []
    caption = (
        "Top-1 accuracy under every stress; lines are 95 % intervals. Further right is better."
    )
    chart = marks.dots(points, title="top-1, %")
    return [Figure("Top-1 under every stress", caption, chart)]
