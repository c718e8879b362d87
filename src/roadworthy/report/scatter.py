"""A chart of one dot a model, with lines through some of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from roadworthy.report.cells import distinct
from roadworthy.report.style import Point, Spec, color, finish


@dataclass(frozen=True)
class Segment:
    """A straight line between two points of a chart; ``dashed`` to tell it from another."""

    start: tuple[float, float]
    end: tuple[float, float]
    dashed: bool = False


def scatter(points: Sequence[Point], *, x: str, y: str, segments: Sequence[Segment] = ()) -> Spec:
    """Return dots at (x, value) with their names beside them, coloured by series.

    ``x`` and ``y`` are the titles of the axes, which need not begin at 0.
    """
    import altair as alt

    series = distinct(p["series"] for p in points)
    scale = alt.Scale(zero=False, padding=24)
    horizontal = alt.X("x:Q", title=x, scale=scale, axis=alt.Axis(tickCount=8))
    heights = [v for v in (*(p["value"] for p in points), *_heights(segments)) if v is not None]
    upright = alt.Scale(domain=_around(heights), nice=False) if heights else scale
    vertical = alt.Y("value:Q", title=y, scale=upright)
    base = alt.Chart(alt.NamedData("points")).encode(x=horizontal, y=vertical, color=color(series))
    shown = [
        alt.Tooltip(f"{name}:N", title=name if name != "text" else "value")
        for name in ("label", "series", "text", "n")
    ]
    layers = [_line(alt, one, horizontal, vertical) for one in segments]
    layers.append(base.mark_circle(size=70, opacity=1).encode(tooltip=shown))
    known = [p["x"] for p in points if p["x"] is not None]
    right = f"datum.x > {(min(known) + max(known)) / 2 if known else 0.0!r}"
    names = base.mark_text(
        align=alt.ExprRef(f"{right} ? 'right' : 'left'"),  # into the chart
        dx=alt.ExprRef(f"{right} ? -7 : 7"),
        dy=-6,
        fontSize=11,
        limit=alt.ExprRef("max(60, width / 2 - 16)"),
    )
    layers.append(names.encode(text="label:N"))
    return finish(alt.layer(*layers), points, height=320)


def _heights(segments: Sequence[Segment]) -> list[float]:
    return [end[1] for one in segments for end in (one.start, one.end)]


def _around(values: Sequence[float]) -> list[float]:
    """Return the ends of an axis with room around ``values``, none of it below 0 if they are not."""
    low, high = min(values), max(values)
    room = 0.08 * (high - low) or 0.08 * abs(high) or 1.0
    return [max(0.0, low - room) if low >= 0 else low - room, high + room]


def _line(alt: Any, one: Segment, x: Any, y: Any) -> Any:
    ends = [{"x": a, "value": b} for a, b in (one.start, one.end)]
    chart = alt.Chart(alt.InlineData(values=ends))
    dash = [5, 4] if one.dashed else [1, 0]
    line = chart.mark_line(strokeWidth=1.5, strokeDash=dash, color="currentColor", opacity=0.6)
    return line.encode(x=x, y=y)
