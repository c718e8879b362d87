"""The headline metrics of a run as a table for a paper: units and directions in the heads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from roadworthy.exporting.choice import Choice
from roadworthy.exporting.formats import Intervals
from roadworthy.report.blocks import Column, Entry, Group, Row, Table
from roadworthy.report.cells import Cell, cells, distinct
from roadworthy.report.columns import COLUMNS, NOTHING, median_of, metrics_of, reading_in
from roadworthy.report.matrix import own_cells
from roadworthy.report.names import model_names, pathless, short_names
from roadworthy.report.reading import Reading, number
from roadworthy.report.table import fitting, left_out, made_by, remarks
from roadworthy.report.tables import HEADINGS

ARROWS = {"higher": "↑", "lower": "↓"}
UNITS = {"percent": "%", "points": "points", "nats": "nats"}
_MODEL, _DATA = 40, 32


@dataclass(frozen=True)
class Paper:
    """A table with what has to be said beside it, a sentence each."""

    table: Table
    notes: Sequence[str]


@dataclass(frozen=True)
class Measure:
    """One column: a metric, and how it is read from a cell."""

    metric: str
    read: Callable[[Cell], Reading]


def headline(summary: Mapping[str, Any], choice: Choice | None = None) -> Paper:
    """Return the headline metrics, or those of ``choice``: a line a stress, models one by one.

    Where there are very many lines those of single variants stay out, and a note says so.
    """
    choice = choice or Choice()
    every = own_cells(cells(summary))
    found = fitting(every)
    measures = measures_of(found, choice.metrics)
    counts = ["n", "failed"][: 1 + any(cell.failed for cell in found)]
    columns = [
        Column("stress"),
        *(Column(heading(found, one), number=True) for one in measures),
        *(Column(name, number=True) for name in counts),
    ]
    models = model_names([cell.model for cell in found], _MODEL)
    data = short_names([cell.data for cell in found], _DATA)
    groups: dict[str, list[Row]] = {}
    for cell in found:
        names = [models[cell.model]] * (len(models) > 1) + [data[cell.data]] * (len(data) > 1)
        who = " on ".join(names)
        groups.setdefault(who, []).append(_row(cell, measures, counts, choice.intervals))
    same = [next(iter(names.values())) for names in (models, data) if len(names) == 1]
    caption = f"{_intervals(choice.intervals)}n is the number of images."
    table = Table(columns, [Group(*item) for item in groups.items()], caption, " on ".join(same))
    told = [f"{name} is {pathless(model)}" for model, name in models.items() if name != model]
    notes = [
        *left_out(every, found),
        *(with_names(text, models) for text in remarks(summary, found)),
    ]
    return Paper(table, [*told, *notes])


def with_names(text: str, models: Mapping[str, str]) -> str:
    """Return a sentence with the names of models instead of their specs, which may hold paths."""
    for model in sorted(models, key=len, reverse=True):
        text = text.replace(model, models[model])
    return text


def measures_of(found: Sequence[Cell], metrics: Sequence[str] = ()) -> list[Measure]:
    """Return the columns of cells: of ``metrics``, or of the headline metrics that have a value.

    What looked for the smallest change has its median in a column of its norm.
    """
    medians = map(median_of, found)
    norms = distinct(norm for norm, reading in medians if reading != NOTHING)
    made = []
    for metric in metrics or metrics_of(found):
        if metric == "median" and norms:
            made += [_median(norm) for norm in norms]
        else:
            made.append(Measure(metric, partial(_read, metric)))
    return made


def _read(metric: str, cell: Cell) -> Reading:
    return reading_in(cell, metric)


def _median(norm: str) -> Measure:
    def read(cell: Cell) -> Reading:
        own, reading = median_of(cell)
        return reading if own == norm else NOTHING

    return Measure(f"median_{norm.lower()}" if norm else "worst_case_median", read)


def heading(found: Sequence[Cell], measure: Measure) -> str:
    """Return the head of a column: ``top-1 (%) ↑``, or ``↓`` where less is better."""
    from roadworthy.metrics.every import every_metric

    text = COLUMNS.get(measure.metric) or HEADINGS.get(measure.metric) or measure.metric
    for unit in (" %", ", nats", ", points"):
        text = text.removesuffix(unit)
    readings = [measure.read(cell) for cell in found]
    units = distinct(UNITS.get(r.unit, "") for r in readings if r != NOTHING)
    told = f" ({units[0]})" if units and units[0] else ""
    defined = every_metric().get(measure.metric)
    arrow = ARROWS.get(defined.direction, "") if defined else ""
    return f"{text}{told} {arrow}".strip()


def _row(
    cell: Cell, measures: Sequence[Measure], counts: Sequence[str], intervals: Intervals
) -> Row:
    readings = [one.read(cell) for one in measures]
    return Row(
        [
            Entry(cell.label, made_by(cell).strip(), code=True),
            *(Entry(r.text, interval_of(r, intervals), number=True) for r in readings),
            *(Entry(str(getattr(cell, name)), number=True) for name in counts),
        ],
        nested=cell.nested,
    )


def interval_of(reading: Reading, style: Intervals) -> str:
    """Return an interval as it is written: ``[65.0, 77.0]``, or ``± 6.0``, or ``+5.7/-6.3``.

    The last stands where the two sides differ in the decimals that are shown.
    """
    if style != "plus-minus" or None in (reading.value, reading.low, reading.high):
        return reading.interval if style != "none" else ""
    assert reading.value is not None
    assert reading.low is not None
    assert reading.high is not None
    up, down = (
        number(width, reading.unit)
        for width in (reading.high - reading.value, reading.value - reading.low)
    )
    return f"± {up}" if up == down else f"+{up}/-{down}"


def _intervals(style: Intervals) -> str:
    told = {"brackets": "Brackets are", "plus-minus": "± and +/- are the two sides of"}
    return f"{told[style]} 95 % confidence intervals; " if style in told else ""
