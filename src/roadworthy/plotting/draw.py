"""The marks of a chart, drawn by matplotlib from the same rows as on the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import sqrt
from typing import TYPE_CHECKING

from roadworthy.errors import RoadworthyError
from roadworthy.plotting.layers import Layer
from roadworthy.plotting.lines import wrapped
from roadworthy.plotting.scene import Scene

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Draw = Callable[["Axes", Scene, Layer], None]


def rule(axes: Axes, scene: Scene, layer: Layer) -> None:
    """Draw intervals from x to x2 or from y to y2, or a line through the whole figure."""
    if "x2" in layer.channels or "y2" in layer.channels:
        ends = ("x", "x2") if "x2" in layer.channels else ("y", "y2")
        for series, rows in scene.lines(layer, "x", "y", ends[1]):
            color = scene.look(series).color
            for row in rows:
                start = [scene.at(layer, name, row) for name in ("x", "y")]
                end = start.copy()
                end[ends[0] == "y"] = float(row[layer.channels[ends[1]].field])
                axes.plot(*zip(start, end, strict=True), color=color, lw=0.8, alpha=0.7, zorder=2)
        return
    draw = axes.axvline if "x" in layer.channels else axes.axhline
    for value in layer.values("x" if "x" in layer.channels else "y"):
        draw(value, color=scene.look(None).color, lw=0.6, zorder=1)


def line(axes: Axes, scene: Scene, layer: Layer) -> None:
    """Draw a line through the points of each series, from left to right."""
    for series, rows in scene.lines(layer, "x", "y"):
        points = sorted((scene.at(layer, "x", row), scene.at(layer, "y", row)) for row in rows)
        look = scene.look(series)
        dash = look.dash if series is not None else (0, (4, 3)) if _dashed(layer) else "-"
        width = 1.2 if series is not None else 0.8
        axes.plot(*zip(*points, strict=True), color=look.color, ls=dash, lw=width, zorder=3)


def circle(axes: Axes, scene: Scene, layer: Layer) -> None:
    """Draw a marker at each point; its shape tells the series apart without colour."""
    size = 0.45 * sqrt(float(layer.style.get("size", 30)))
    for series, rows in scene.lines(layer, "x", "y"):
        xs, ys = ([scene.at(layer, name, row) for row in rows] for name in ("x", "y"))
        look = scene.look(series)
        axes.plot(xs, ys, look.marker, color=look.color, ms=size, mew=0, clip_on=False, zorder=4)


def area(axes: Axes, scene: Scene, layer: Layer) -> None:
    """Draw the band between y and y2 of each series."""
    for series, rows in scene.lines(layer, "x", "y", "y2"):
        high = layer.channels["y2"].field
        points = sorted((scene.at(layer, "x", r), scene.at(layer, "y", r), r[high]) for r in rows)
        xs, lows, highs = zip(*points, strict=True)
        axes.fill_between(xs, lows, highs, color=scene.look(series).color, alpha=0.15, lw=0)


def text(axes: Axes, scene: Scene, layer: Layer) -> None:
    """Write names beside points, or numbers in the middle of cells."""
    beside = layer.style.get("align", "center") != "center"  # to one side or the other
    if beside:
        axes.margins(0.12)
    for _, rows in scene.lines(layer, "x", "y", "text"):
        for row in rows:
            (name,) = wrapped([str(row[layer.channels["text"].field])])
            axes.annotate(
                name,
                (scene.at(layer, "x", row), scene.at(layer, "y", row)),
                xytext=(3, 3) if beside else (0, 0),
                textcoords="offset points",
                ha="left" if beside else "center",
                va="bottom" if beside else "center_baseline",
                fontsize=6.5,
                zorder=5,
            )


def rect(axes: Axes, scene: Scene, layer: Layer) -> None:
    """Draw a coloured cell at each pair of names."""
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.patches import Rectangle

    channel = layer.channels["color"]
    colors = LinearSegmentedColormap.from_list("heat", list(channel.scale["range"]))
    low, high = channel.scale["domain"]
    for row in layer.known("x", "y", "color"):
        corner = (scene.at(layer, "x", row) - 0.5, scene.at(layer, "y", row) - 0.5)
        color = colors((row[channel.field] - low) / (high - low))
        axes.add_patch(Rectangle(corner, 1, 1, facecolor=color, edgecolor="white", lw=0.8))


MARKS: Mapping[str, Draw] = {
    "rule": rule,
    "line": line,
    "circle": circle,
    "point": circle,
    "area": area,
    "text": text,
    "rect": rect,
}


def draw(axes: Axes, scene: Scene) -> None:
    """Draw every layer; raises RoadworthyError for a mark that is not known here."""
    for layer in scene.layers:
        if layer.mark not in MARKS:
            raise RoadworthyError(
                f"its mark '{layer.mark}' cannot be drawn on paper; there are {', '.join(MARKS)}"
            )
        MARKS[layer.mark](axes, scene, layer)


def _dashed(layer: Layer) -> bool:
    return bool(list(layer.style.get("strokeDash", [1, 0]))[-1])
