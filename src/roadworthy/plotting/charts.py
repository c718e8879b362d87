"""Every chart of a run with a name: those of the page, and its coloured tables as heat maps."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from roadworthy.errors import UsageError, did_you_mean
from roadworthy.plotting.heat import heat_figure
from roadworthy.report.blocks import Block, Fold, Heading, Table
from roadworthy.report.evidence import Evidence
from roadworthy.report.figure import Figure
from roadworthy.report.html import written
from roadworthy.report.style import Spec

FORMS = ("heatmap", "dots", "scatter", "curve")
_LONGEST = 60


@dataclass(frozen=True)
class Chart:
    """A chart with a name, ``corruptions-accuracy-over-severity``, and what ``form`` it has.

    The name is that of the ``section`` with its ``title`` in the letters of a file name.
    """

    section: str
    title: str
    form: str
    figure: Figure

    @property
    def name(self) -> str:
        """What it is called among all charts."""
        return "-".join(filter(None, (self.section, self.title)))


def charts(evidence: Evidence) -> Iterator[Chart]:
    """Yield the charts of a run in the order of its page, each with a name of its own."""
    for section, blocks in written(evidence):
        used: list[str] = []
        for figure in _figures(blocks, section.title):
            used.append(stem := _slug(figure.title))
            again = f"{stem}-{used.count(stem)}".strip("-")
            title = again if used.count(stem) > 1 else stem
            yield Chart(section.name, title, form_of(figure.spec), figure)


def chart(evidence: Evidence, name: str) -> Chart:
    """Return the chart called ``name``, or the first of a section or form of that name.

    ``curve`` is the first curve of the page, ``calibration`` the first chart of that section. Raises
    UsageError with the nearest name and all that there are.
    """
    found = []
    for one in charts(evidence):
        if name in (one.name, one.title, one.section, one.form):
            return one
        found.append(one)
    if not found:
        raise UsageError(f"there is no chart '{name}': the run has no charts yet")
    known = list(dict.fromkeys(key for one in found for key in (one.form, one.section, one.name)))
    raise UsageError(
        f"there is no chart '{name}'{did_you_mean(name, known)}; there are {', '.join(known)}"
    )


def form_of(spec: Spec) -> str:
    """Return what a chart looks like: heatmap, scatter, dots (a line a name) or curve."""
    layers = spec.get("layer") or [spec]
    marks = {layer["mark"]["type"] for layer in layers}
    if "rect" in marks:
        return "heatmap"
    if "text" in marks:
        return "scatter"
    named = any(one.get("encoding", {}).get("y", {}).get("type") == "nominal" for one in layers)
    return "dots" if named else "curve"


def _figures(blocks: Iterable[Block], title: str) -> Iterator[Figure]:
    """Yield the charts among blocks; a coloured table has its title, or that of what is before it."""
    for block in blocks:
        if isinstance(block, Heading):
            title = ": ".join(filter(None, (block.code, block.text))) or title
        elif isinstance(block, Figure):
            yield replace(block, title=block.title or title)
        elif isinstance(block, Table):
            figure = heat_figure(block, block.title or title)
            if figure is not None:
                yield figure
        elif isinstance(block, Fold):
            yield from _figures(block.blocks, block.title)


def _slug(title: str) -> str:
    """Return a title as the name of a file on any disk."""
    words = re.findall(r"[a-z0-9.]+", title.lower())
    return "-".join(words)[:_LONGEST].strip("-.")
