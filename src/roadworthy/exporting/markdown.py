"""A table as Markdown, as GitHub, GitLab and Hugging Face read it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from roadworthy.report.blocks import Column, Entry, Table

_MARKS = re.compile(r"([\\`*_\[\]<>|~#])")
_TICKS = re.compile(r"`+")


def markdown(table: Table) -> Iterator[str]:
    """Yield the lines of a table with its title in front and its caption behind."""
    if table.title:
        yield from (f"**{escaped(table.title)}**", "")
    yield from grid(table)
    if table.caption:
        yield from ("", escaped(table.caption))


def grid(table: Table) -> Iterator[str]:
    """Yield the lines of a table alone; the title of a group is a line of its own, in italics."""
    columns = table.columns
    body = []
    for group in table.groups:
        if group.title:
            body.append([f"*{escaped(group.title)}*", *[""] * (len(columns) - 1)])
        body += [_line(row.entries) for row in group.rows]
    rows = [[_head(column) for column in columns], *body]
    widths = [max(3, *(len(row[i]) for row in rows)) for i in range(len(columns))]
    for place, row in enumerate(rows):
        texts = [
            text.rjust(width) if column.number else text.ljust(width)
            for text, width, column in zip(row, widths, columns, strict=True)
        ]
        yield f"| {' | '.join(texts)} |"
        if place == 0:
            rule = [
                "-" * (width - 1) + ":" if column.number else "-" * width
                for width, column in zip(widths, columns, strict=True)
            ]
            yield f"| {' | '.join(rule)} |"


def escaped(text: str) -> str:
    """Return ``text`` without what Markdown would read as its own marks, HTML included."""
    return _MARKS.sub(r"\\\1", text).replace("&", "&amp;")


def code(text: str) -> str:
    """Return ``text`` as code: between more backticks than are in it, bars escaped for a table."""
    longest = max((len(ticks) for ticks in _TICKS.findall(text)), default=0)
    fence, pad = "`" * (longest + 1), " " if "`" in text else ""
    return f"{fence}{pad}{text}{pad}{fence}".replace("|", "\\|")


def _head(column: Column) -> str:
    return code(column.text) if column.code and column.text else escaped(column.text)


def _line(entries: Sequence[Entry]) -> list[str]:
    return [text for entry in entries for text in (_entry(entry), *[""] * (entry.span - 1))]


def _entry(entry: Entry) -> str:
    # brackets of an interval are no link, so that numbers stay as they are
    plain = _number if entry.number else escaped
    text = code(entry.text) if entry.code and entry.text else plain(entry.text)
    text = f"**{text}**" if entry.strong else text
    return f"{text} {plain(entry.small)}".strip()


def _number(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")
