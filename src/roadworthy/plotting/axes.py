"""Axes, legend and size of a figure."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from roadworthy.plotting.lines import longest, wrapped
from roadworthy.plotting.look import COLUMN, LETTER, LINE, PAGE
from roadworthy.plotting.scene import Scene

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_CELL = 0.2
_TITLES = {"x": 44, "y": 24}
_HANDLE = 9
"""Letters that would stand where a legend has the mark of a series."""


def size_of(scene: Scene) -> tuple[float, float]:
    """Return width and height of a figure in inches: one column, unless a matrix needs the page."""
    above = LINE * _lines_of_legend(scene)
    labels = wrapped(scene.names.get("y", ()))
    if "y" not in scene.names:
        return COLUMN, 2.1 + above
    if "x" in scene.names:
        title, heads = shared(scene.names["x"])
        needed = LETTER * longest(labels) + sum(max(0.42, _width(head)) for head in heads)
        height = sum(max(_CELL, 0.08 + LINE * (label.count("\n") + 1)) for label in labels)
        return PAGE if needed > COLUMN else COLUMN, height + 0.35 + LINE * bool(title)
    beside = len(scene.series) if scene.beside else 1
    lines = sum(max(text.count("\n") + 1, 1 + 0.4 * beside) for text in labels)
    return COLUMN, 0.6 + LINE * lines + 0.05 * len(labels) + above


def shared(heads: Sequence[str]) -> tuple[str, list[str]]:
    """Return the word that all heads begin with, to be their title, and what is left of each."""
    words = {head.partition(" ")[0] for head in heads}
    rest = [head.partition(" ")[2] for head in heads]
    return (words.pop(), rest) if len(words) == 1 and all(rest) else ("", list(heads))


def set_axes(axes: Axes, scene: Scene) -> None:
    """Set titles, ends, ticks and scales of both axes as the chart says."""
    for name, axis in (("x", axes.xaxis), ("y", axes.yaxis)):
        channel = scene.channel(name)
        if channel is None:
            continue
        if channel.named:
            names = scene.names[name]
            title, labels = (channel.title, wrapped(names)) if name == "y" else shared(names)
            axis.set_label_text(title)
            if name == "y" and LETTER * len(title) > _CELL * len(labels):
                axis.label.set(rotation=0, ha="right", va="center")  # no room to stand upright
            axis.set_ticks(range(len(labels)), labels)
            axis.set_tick_params(length=0)
            axis.grid(visible=False)
            ends = (-0.5, len(labels) - 0.5)
            axes.set(**{f"{name}lim": ends[::-1] if name == "y" else ends})
        else:
            axis.set_label_text(textwrap.fill(channel.title, _TITLES[name]))
            _scale(axes, name, channel.scale, channel.axis)
    if set(scene.names) == {"x", "y"}:
        axes.xaxis.tick_top()
        axes.xaxis.set_label_position("top")
        axes.spines[:].set_visible(False)
        if any(_width(head) > 0.8 for head in shared(scene.names["x"])[1]):
            axes.tick_params(axis="x", rotation=30)


def _scale(axes: Axes, name: str, scale: object, ticks: object) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

    assert isinstance(scale, dict)
    assert isinstance(ticks, dict)
    axis = axes.xaxis if name == "x" else axes.yaxis
    if scale.get("type") == "log":
        axes.set(**{f"{name}scale": "log"})
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(NullFormatter())
        return
    if scale.get("type") == "sqrt":
        set_scale = axes.set_xscale if name == "x" else axes.set_yscale
        set_scale("function", functions=(_root, lambda value: value**2))
    if "domain" in scale:
        axes.set(**{f"{name}lim": tuple(scale["domain"])})
    elif scale.get("zero"):
        low, high = axes.get_xlim() if name == "x" else axes.get_ylim()
        axes.set(**{f"{name}lim": (min(0.0, low) if low < 0 else 0.0, max(0.0, high))})
    steps = [1, 2, 2.5, 5, 10]
    axis.set_major_locator(MaxNLocator(6, steps=steps, integer="tickMinStep" in ticks))


def set_legend(figure: Figure, scene: Scene) -> None:
    """Put a legend above the figure, where there are several series."""
    from matplotlib.lines import Line2D

    if len(scene.series) < 2:
        return
    marks = {layer.mark for layer in scene.layers if layer.coloured}
    handles = []
    for name, label in zip(scene.series, _legend(scene), strict=True):
        look = scene.look(name)
        dash = look.dash if "line" in marks else "none"
        handles.append(Line2D([], [], color=look.color, marker=look.marker, ls=dash, label=label))
    figure.legend(handles=handles, loc="outside upper left", ncols=_columns_of_legend(scene))


def _legend(scene: Scene) -> list[str]:
    return wrapped(scene.series, int(COLUMN / LETTER) - _HANDLE)


def _columns_of_legend(scene: Scene) -> int:
    room = COLUMN / (LETTER * (longest(_legend(scene)) + _HANDLE))
    return max(1, min(len(scene.series), int(room)))


def _lines_of_legend(scene: Scene) -> int:
    if len(scene.series) < 2:
        return 0
    heights = [label.count("\n") + 1 for label in _legend(scene)]
    rows = -(-len(heights) // _columns_of_legend(scene))
    # matplotlib fills column by column
    return max(sum(heights[at : at + rows]) for at in range(0, len(heights), rows))


def _width(name: str) -> float:
    return LETTER * (longest([name]) + 2)


def _root(value: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.sqrt(np.abs(value))
