"""Figures of a run for a paper: vector graphics, drawn by matplotlib."""

from __future__ import annotations

import io
import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from roadworthy.errors import MissingPackageError, RoadworthyError
from roadworthy.exporting.files import write
from roadworthy.plotting.axes import set_axes, set_legend, size_of
from roadworthy.plotting.charts import charts
from roadworthy.plotting.draw import draw
from roadworthy.plotting.look import settings
from roadworthy.plotting.names import place_names
from roadworthy.plotting.scene import Scene
from roadworthy.report.evidence import Evidence
from roadworthy.report.style import Spec

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DOTS = 300
_MISSING = "Glyph .* missing from"


def write_figures(evidence: Evidence, folder: Path, kind: str) -> list[Path]:
    """Write every chart of a run to ``folder``, each under its name, and return their paths.

    The same figure is the same file, byte for byte. What cannot be drawn on paper, of a plug-in, is a
    warning. Raises MissingPackageError without matplotlib, RoadworthyError where there is no chart or
    the folder cannot be written.
    """
    need_matplotlib()
    made, boxes = [], False
    for chart in charts(evidence):
        try:
            data, missing = rendered(chart.figure.spec, kind)
        except RoadworthyError as error:
            warnings.warn(f"the figure '{chart.name}' is left out: {error}", stacklevel=2)
            continue
        boxes = boxes or missing
        made.append(write(folder / f"{chart.name}.{kind}", data))
    if boxes and kind != "svg":  # where text stays text, in the fonts of whoever looks at it
        warnings.warn(
            "some letters show as boxes, since no font here has them: install one such as "
            "Noto Sans CJK, or take svg",
            stacklevel=2,
        )
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


def rendered(spec: Spec, kind: str) -> tuple[bytes, bool]:
    """Return a chart of the page as the bytes of a figure, and whether no font has some letters."""
    from matplotlib import rc_context

    buffer = io.BytesIO()
    with rc_context(settings()), warnings.catch_warnings(record=True) as noticed:
        warnings.filterwarnings("always", message=_MISSING)
        dated = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(kind)
        figure_of(spec).savefig(buffer, format=kind, metadata=dated, dpi=DOTS)
    missing = [one for one in noticed if re.match(_MISSING, str(one.message))]
    for other in noticed:
        if other not in missing:
            warnings.warn_explicit(other.message, other.category, other.filename, other.lineno)
    return buffer.getvalue(), bool(missing)


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
