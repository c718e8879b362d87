"""The headline metrics of a run as a notebook shows them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from roadworthy.exporting.headline import headline
from roadworthy.report.blocks import Entry, Table


def shown(summary: Mapping[str, Any], name: str) -> str:
    """Return a run as markup: its name, the table of headline metrics, what must be known of them.

    All texts are escaped.
    """
    from markupsafe import Markup, escape

    paper = headline(summary)
    parts = [Markup("<p><b>{}</b> {}</p>").format(name, paper.table.title)]
    parts += [Markup("<table>"), *_lines(paper.table), Markup("</table>")]
    parts.append(Markup("<p><small>{}</small></p>").format(paper.table.caption))
    parts += [Markup("<p><small>{}</small></p>").format(note) for note in paper.notes]
    return str(escape(Markup("\n").join(parts)))


def _lines(table: Table) -> Iterator[Any]:
    from markupsafe import Markup

    heads = [Markup("<th>{}</th>").format(column.text) for column in table.columns]
    yield Markup("<thead><tr>{}</tr></thead>").format(Markup("").join(heads))
    yield Markup("<tbody>")
    for group in table.groups:
        if group.title:
            row = '<tr><th colspan="{}" style="text-align:left">{}</th></tr>'
            yield Markup(row).format(len(table.columns), group.title)
        for row_ in group.rows:
            yield Markup("<tr>{}</tr>").format(Markup("").join(map(_cell, row_.entries)))
    yield Markup("</tbody>")


def _cell(entry: Entry) -> Any:
    from markupsafe import Markup

    text = Markup("<code>{}</code>" if entry.code else "{}").format(entry.text)
    small = Markup(" <small>{}</small>").format(entry.small) if entry.small else ""
    side = "right" if entry.number else "left"
    return Markup('<td style="text-align:{}">{}{}</td>').format(side, text, small)
