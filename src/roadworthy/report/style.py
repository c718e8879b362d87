"""How charts look: one palette, and colours that follow the page from light to dark."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Point = dict[str, Any]
"""label, series, x or value, low, high (numbers or None), text (what a tooltip shows), n."""

Spec = dict[str, Any]
"""A Vega-Lite spec that holds its data."""

# Each at least 3:1 against a white and against a near-black page.
COLORS = ["#3f7fd6", "#d2691e", "#22936f", "#c2549b", "#7f6fdc", "#9c7c12", "#2a8fa8", "#d14b55"]


def color(series: Sequence[str]) -> Any:
    """Return the colour channel: by series, in their order; a legend where there are several."""
    import altair as alt

    legend = None
    if len(series) > 1:
        legend = alt.Legend(orient="top", title=None, symbolOpacity=1)
    return alt.Color("series:N", sort=list(series), legend=legend, scale=alt.Scale(range=COLORS))


def finish(chart: Any, points: Sequence[Point], *, height: int = 280) -> Spec:
    """Return the spec of a chart of the data ``points``, with its size and colours set.

    "currentColor" is light or dark as the page is. The longest name tells the page's script how
    many columns a legend has room for. All this goes in last, since altair copies what it is given.
    """
    ink = "currentColor"
    faint = {"gridColor": ink, "gridOpacity": 0.12, "domainColor": ink, "domainOpacity": 0.3}
    axis = {"labelColor": ink, "titleColor": ink, "tickColor": ink, "tickOpacity": 0.3, **faint}
    axis |= {
        "labelSeparation": 6,
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
    }
    legend = {"labelColor": ink, "titleColor": ink, "labelFontSize": 12}
    drawn: Spec = chart.to_dict(validate=False)  # half the time of a page; tests validate
    drawn.pop("$schema", None)  # an address, and the page says itself which language it is
    return {
        **drawn,
        "width": "container",
        "height": height,
        "background": "transparent",
        "usermeta": {"longest": max((len(p["series"]) for p in points), default=0)},
        "config": {"view": {"stroke": None}, "axis": axis, "axisY": {}, "legend": legend},
        "datasets": {**drawn.get("datasets", {}), "points": list(points)},
    }
