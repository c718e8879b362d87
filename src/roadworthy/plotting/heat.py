"""Coloured tables as heat maps: the same lines, columns and colours as on the page."""

from __future__ import annotations

from collections.abc import Iterator

from roadworthy.report.blocks import Table
from roadworthy.report.cells import distinct
from roadworthy.report.figure import Figure
from roadworthy.report.style import Point, finish

RANGE = ("#fff5eb", "#e6843c")
"""Colours of the best and the worst, on both of which black text can be read."""

_ROW = 22


def heat_figure(table: Table, title: str) -> Figure | None:
    """Return a table whose cells are coloured as a chart; None for one without colours.

    A point has the line as ``label``, the column as ``series``, the number as ``value`` and ``text``,
    and how bad it is, 0 to 1, as ``heat``. Lines without a colour are left out.
    """
    import altair as alt

    points = list(_points(table))
    if not any(point["heat"] is not None for point in points):
        return None
    lines, columns = (distinct(point[key] for point in points) for key in ("label", "series"))
    base = alt.Chart(alt.NamedData("points")).encode(
        x=alt.X("series:N", sort=columns, title=None, axis=alt.Axis(orient="top", labelAngle=0)),
        y=alt.Y("label:N", sort=lines, title=table.columns[0].text or None),
    )
    scale = alt.Scale(domain=[0, 1], range=list(RANGE))
    cells = base.transform_filter("datum.heat !== null").mark_rect()
    shown = [alt.Tooltip(f"{name}:N", title=name) for name in ("label", "series", "text")]
    layers = [
        cells.encode(color=alt.Color("heat:Q", scale=scale, legend=None), tooltip=shown),
        base.mark_text(color="black", fontSize=11).encode(text="text:N"),
    ]
    spec = finish(alt.layer(*layers), points, height=_ROW * len(lines))
    return Figure(title, table.caption, spec, table.stresses or ())


def _points(table: Table) -> Iterator[Point]:
    heads = [column.text for column in table.columns]
    for row in (row for group in table.groups for row in group.rows):
        cells = row.entries[1:]
        if len(row.entries) != len(heads) or all(cell.heat is None for cell in cells):
            continue
        for head, cell in zip(heads[1:], cells, strict=True):
            yield {
                "label": row.entries[0].text,
                "series": head,
                "value": _number(cell.text),
                "heat": cell.heat,
                "text": cell.text,
            }


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
