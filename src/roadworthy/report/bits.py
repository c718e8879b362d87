"""Fewer and fewer bits on the page and in the terminal: a line a number of bits, a column an axis."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from roadworthy.report.cells import entries, text_of
from roadworthy.report.names import short_names
from roadworthy.report.reading import Reading, reading_of
from roadworthy.studies.bits import AXES

HEADINGS = {
    "clean": "clean %",
    "corruptions": "corrupted %",
    "attacked": "attacked %",
    "handed_on": "made for float %",
    "systematic": "systematic %",
    "worst": "worst %",
}


@dataclass(frozen=True)
class Line:
    """What is left of a model with so many bits, by axis; ``of`` names what a least one is of."""

    called: str
    readings: Mapping[str, Reading]
    of: Mapping[str, str]


@dataclass(frozen=True)
class BitTable:
    """One suite on one data set and model."""

    title: str
    axes: Sequence[str]
    lines: Sequence[Line]


def bit_tables(summary: Mapping[str, Any]) -> list[BitTable]:
    """Return a table for each suite, data set and model whose bits were compared."""
    found = entries(summary, "bits")
    models = short_names([text_of(one, "model") for one in found], 48)
    several = len({text_of(one, "data") for one in found}) > 1
    tables = []
    for one in found:
        lines = [_line(entry) for entry in entries(one, "lines")]
        axes = [axis for axis in AXES if any(axis in line.readings for line in lines)]
        name = models[text_of(one, "model")]
        where = f" · {text_of(one, 'data')}" if several else ""
        tables.append(BitTable(f"{text_of(one, 'suite')}: {name}{where}", axes, lines))
    return tables


def _line(entry: Mapping[str, Any]) -> Line:
    scores = {text_of(score, "axis"): score for score in entries(entry, "scores")}
    readings = {axis: reading_of({**score, "unit": "percent"}) for axis, score in scores.items()}
    of = {axis: text_of(score, "of") for axis, score in scores.items()}
    return Line(text_of(entry, "called"), readings, of)


def lines(summary: Mapping[str, Any]) -> Iterator[str]:
    """Yield the tables as lines of plain text."""
    for one in bit_tables(summary):
        heads = ["", *(HEADINGS[axis] for axis in one.axes)]
        body = [[line.called, *(_shown(line, axis) for axis in one.axes)] for line in one.lines]
        widths = [max(map(len, column)) for column in zip(heads, *body, strict=True)]
        yield ""
        yield one.title
        for row in (heads, *body):
            first, *rest = (text.rjust(width) for text, width in zip(row, widths, strict=True))
            yield "  ".join([row[0].ljust(len(first)), *rest]).rstrip()


def _shown(line: Line, axis: str) -> str:
    reading = line.readings.get(axis)
    return "–" if reading is None or reading.value is None else f"{reading.value:.1f}"
