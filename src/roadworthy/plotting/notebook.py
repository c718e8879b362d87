"""Charts of a run as Altair charts, which notebooks show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from roadworthy.report.figure import Figure

if TYPE_CHECKING:
    import altair as alt

WIDTH = 480
INK, PAPER = "#222222", "white"
"""The page takes its colours from the reader; a chart by itself may be saved, or shown anywhere."""

_OF_A_LAYER = ("mark", "encoding", "transform", "params")


def altair_chart(figure: Figure) -> alt.LayerChart:
    """Return a chart of the page as an Altair chart of a fixed width, with its title on top."""
    import altair as alt

    spec: dict[str, Any] = {
        name: value if name == "datasets" else _inked(value) for name, value in figure.spec.items()
    }
    spec |= {"width": WIDTH, "background": PAPER}
    spec["title"] = {"text": figure.title, "anchor": "start", "color": INK}
    spec.pop("usermeta", None)  # for the script of the page
    if "layer" not in spec:  # a chart of a plug-in
        spec["layer"] = [{name: spec.pop(name) for name in _OF_A_LAYER if name in spec}]
    return alt.LayerChart.from_dict(spec)


def _inked(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _inked(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_inked(one) for one in value]
    return INK if value == "currentColor" else value
