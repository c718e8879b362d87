"""A chart of the page: what it says in words, and its Vega-Lite spec with the data inside."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from roadworthy.report.cells import Cell
from roadworthy.report.names import stress_names
from roadworthy.report.points import Who, point
from roadworthy.report.style import Point, Spec


@dataclass(frozen=True)
class Figure:
    """A Vega-Lite spec with its data, what it says in words, and the ``stresses`` that it is about.

    Without ``stresses`` it is about all of them.
    """

    title: str
    caption: str
    spec: Spec
    stresses: Sequence[str] = ()


def points_of(
    found: Iterable[Cell],
    who: Who,
    *,
    metric: str,
    x: Callable[[Cell], float | None] | None = None,
    series: Callable[[Cell], str] = lambda _: "",
    width: int = 44,
) -> list[Point]:
    """Return one point per cell in which ``metric`` was measured, named by judge and ``series``."""
    measured = [cell for cell in found if cell.value(metric) is not None]
    names = stress_names([cell.label for cell in measured], width)
    return [
        point(
            cell.readings[metric],
            label=names[cell.label],
            series=" · ".join(
                filter(None, (who(cell.model, cell.data, cell.source), series(cell)))
            ),
            x=x(cell) if x else None,
        )
        for cell in measured
    ]
