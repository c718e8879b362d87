"""Altair charts of points with intervals; altair is imported when one is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from roadworthy.report.cells import distinct
from roadworthy.report.style import Point, Spec, color, finish

_TOOLTIP = ["label", "series", "text", "n"]


def dots(points: Sequence[Point], *, title: str, zero: bool = False, percent: bool = True) -> Spec:
    """Return a chart with one line per label and a dot with its interval per series.

    ``value`` lies on the horizontal axis, from 0 to 100 if ``percent``; ``zero`` draws a line at 0.
    """
    import altair as alt

    labels, series = (distinct(p[key] for p in points) for key in ("label", "series"))
    scale = alt.Scale(domain=[0, 100]) if percent else alt.Scale(zero=True)
    ticks = alt.Axis(tickCount=10)
    x = alt.X("value:Q", title=title, scale=scale, axis=ticks)
    y = alt.Y("label:N", sort=labels, title=None)
    base = alt.Chart(alt.NamedData("points")).encode(y=y, color=color(series))
    if _doubled(points):
        base = base.encode(yOffset=alt.YOffset("series:N", sort=series))
    step = max(22, 11 * len(series) + 8) if _doubled(points) else 22
    bars = base.mark_rule(strokeWidth=2, opacity=0.6).encode(
        x=alt.X("low:Q", title=title, scale=scale, axis=ticks), x2="high:Q"
    )
    layers = [
        *[bars] * _bounded(points),
        base.mark_circle(size=60, opacity=1).encode(x=x, tooltip=_tooltip(alt)),
    ]
    if zero:
        layers.insert(0, _rule_at_zero(alt))
    return finish(alt.layer(*layers), points, height=max(60, step * len(labels)))


def curves(points: Sequence[Point], *, x: str, y: str, integer: bool = False) -> Spec:
    """Return lines through (x, value) with an interval at each point, one line per series.

    ``x`` and ``y`` are the titles of the axes; ``y`` runs from 0 to 100.
    """
    import altair as alt

    layers = _curves(points, x=x, y=y, integer=integer)
    return finish(alt.layer(*layers), points)


def _curves(points: Sequence[Point], *, x: str, y: str, integer: bool = False) -> list[Any]:
    import altair as alt

    series = distinct(p["series"] for p in points)
    ticks = alt.Axis(tickMinStep=1, format="d") if integer else alt.Axis(tickCount=10)
    base = alt.Chart(alt.NamedData("points")).encode(
        x=alt.X("x:Q", title=x, axis=ticks, scale=alt.Scale(zero=True, nice=False, padding=8)),
        color=color(series),
    )
    scale = alt.Scale(domain=[0, 100])
    value = alt.Y("value:Q", title=y, scale=scale)
    low = alt.Y("low:Q", title=y, scale=scale)
    bars = base.mark_rule(strokeWidth=2, opacity=0.6).encode(y=low, y2="high:Q")
    return [
        *[bars] * _bounded(points),
        base.mark_line(strokeWidth=2).encode(y=value),
        base.mark_circle(size=50, opacity=1).encode(y=value, tooltip=_tooltip(alt)),
    ]


def bands(points: Sequence[Point], *, x: str, y: str) -> Spec:
    """Return lines through (x, value) in a band of their intervals, for many points in a row."""
    import altair as alt

    series = distinct(p["series"] for p in points)
    base = alt.Chart(alt.NamedData("points")).encode(
        x=alt.X(
            "x:Q",
            title=x,
            axis=alt.Axis(tickMinStep=1, format="d"),
            scale=alt.Scale(zero=False, nice=False, padding=8),
        ),
        color=color(series),
    )
    scale = alt.Scale(domain=[0, 100])
    value = alt.Y("value:Q", title=y, scale=scale)
    low = alt.Y("low:Q", title=y, scale=scale)
    return finish(
        alt.layer(
            *[base.mark_area(opacity=0.18).encode(y=low, y2="high:Q")] * _bounded(points),
            base.mark_line(strokeWidth=2).encode(y=value),
            base.mark_circle(size=18).encode(y=value, tooltip=_tooltip(alt)),
        ),
        points,
    )


def budgets(
    points: Sequence[Point], *, x: str, y: str, log: bool = False, root: bool = False
) -> Spec:
    """Return lines through (x, value), each in a band of its intervals; ``log`` for powers of ten.

    ``x`` and ``y`` are the titles of the axes; ``y`` runs from 0 to 100. ``root`` spreads small x.
    """
    import altair as alt

    series = distinct(p["series"] for p in points)
    kind = alt.Scale(type="log", nice=False) if log else alt.Scale(zero=True, nice=False)
    kind = alt.Scale(type="sqrt", zero=True, nice=False) if root else kind
    ticks = alt.Axis(tickCount=6, format="~s") if log else alt.Axis(tickCount=10)
    base = alt.Chart(alt.NamedData("points")).encode(
        x=alt.X("x:Q", title=x, axis=ticks, scale=kind), color=color(series)
    )
    scale = alt.Scale(domain=[0, 100])
    value = alt.Y("value:Q", title=y, scale=scale)
    low = alt.Y("low:Q", title=y, scale=scale)
    return finish(
        alt.layer(
            *[base.mark_area(opacity=0.14).encode(y=low, y2="high:Q")] * _bounded(points),
            base.mark_line(strokeWidth=2).encode(y=value),
            base.mark_circle(size=22, opacity=1).encode(y=value, tooltip=_tooltip(alt)),
        ),
        points,
    )


def reliability(points: Sequence[Point]) -> Spec:
    """Return accuracy over mean confidence, in percent, with the diagonal of calibration."""
    import altair as alt

    ends = [{"x": 0, "value": 0}, {"x": 100, "value": 100}]
    diagonal = (
        alt.Chart(alt.InlineData(values=ends))
        .mark_line(strokeDash=[4, 4], strokeWidth=1, color="currentColor", opacity=0.5)
        .encode(x="x:Q", y="value:Q")
    )
    curves = _curves(points, x="mean confidence, %", y="accuracy, %")
    return finish(alt.layer(diagonal, *curves), points)


def _bounded(points: Sequence[Point]) -> bool:
    """Whether some point has an interval: a layer without data has no axis to lie on."""
    return any(p["low"] is not None and p["high"] is not None for p in points)


def _doubled(points: Sequence[Point]) -> bool:
    """Whether some label carries several series, which then need a line each."""
    return len({p["label"] for p in points}) < len({(p["label"], p["series"]) for p in points})


def _tooltip(alt: Any) -> list[Any]:
    return [
        alt.Tooltip(f"{name}:N", title=name if name != "text" else "value") for name in _TOOLTIP
    ]


def _rule_at_zero(alt: Any) -> Any:
    zero = alt.Chart(alt.InlineData(values=[{"value": 0}]))
    return zero.mark_rule(color="currentColor", opacity=0.5).encode(x="value:Q")
