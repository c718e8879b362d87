"""Charts of a run as Altair charts, which notebooks show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from roadworthy.report.figure import Figure

if TYPE_CHECKING:
    import altair as alt

WIDTH = 480
_OF_A_LAYER = ("mark", "encoding", "transform", "params")


def altair_chart(figure: Figure) -> alt.LayerChart:
    """Return a chart of the page as an Altair chart of a fixed width, with its title on top."""
    import altair as alt

    spec: dict[str, Any] = {**figure.spec, "width": WIDTH}
    spec["title"] = {"text": figure.title, "anchor": "start", "color": "currentColor"}
    spec.pop("usermeta", None)  # for the script of the page
    if "layer" not in spec:  # a chart of a plug-in
        spec["layer"] = [{name: spec.pop(name) for name in _OF_A_LAYER if name in spec}]
    return alt.LayerChart.from_dict(spec)
