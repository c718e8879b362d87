"""Figures of a run for a paper: vector graphics, drawn by matplotlib."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from roadworthy.errors import MissingPackageError, RoadworthyError
from roadworthy.exporting.files import write
from roadworthy.plotting.axes import set_axes, set_legend, size_of
from roadworthy.plotting.charts import charts
from roadworthy.plotting.draw import draw
from roadworthy.plotting.look import SETTINGS
from roadworthy.plotting.names import place_names
from roadworthy.plotting.scene import Scene
from roadworthy.report.evidence import Evidence
from roadworthy.report.style import Spec

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DOTS = 300


def write_figures(evidence: Evidence, folder: Path, kind: str) -> list[Path]:
    """Write every chart of a run to ``folder``, each under its name, and return their paths.

    The same figure is the same file, byte for byte. What cannot be drawn on paper, of a plug-in, is a
    warning. Raises MissingPackageError without matplotlib, RoadworthyError where there is no chart or
    the folder cannot be written.
    """
    need_matplotlib()
    made = []
    for chart in charts(evidence):
        try:
            data = rendered(chart.figure.spec, kind)
        except RoadworthyError as error:
            warnings.warn(f"the figure '{chart.name}' is left out: {error}", stacklevel=2)
            continue
        made.append(write(folder / f"{chart.name}.{kind}", data))
    if not made:
        raise RoadworthyError("the run has no figure that could be written")
    return made


def need_matplotlib() -> None:
    """Raise MissingPackageError with what to install where matplotlib cannot be imported."""
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise MissingPackageError(
            f"figures need matplotlib ({error}): pip install 'roadworthy[plot]'"
        ) from error


def rendered(spec: Spec, kind: str) -> bytes:
    """Return a chart of the page as the bytes of a figure."""
    from matplotlib import rc_context

    buffer = io.BytesIO()
    with rc_context(SETTINGS), warnings.catch_warnings():
        # letters that no font here has show as boxes, which is no reason for a warning each
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        dated = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(kind)
        figure_of(spec).savefig(buffer, format=kind, metadata=dated, dpi=DOTS)
    return buffer.getvalue()


def figure_of(spec: Spec) -> Figure:
    """Return a chart of the page as a figure of matplotlib, one column wide or as wide as a page."""
    from matplotlib.figure import Figure

    scene = Scene.of(spec)
    figure = Figure(figsize=size_of(scene), layout="constrained")
    axes = figure.subplots()
    draw(axes, scene)
    set_axes(axes, scene)
    set_legend(figure, scene)
    place_names(figure, axes)
    return figure
