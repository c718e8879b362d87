"""Corruptions by severity: a table coloured by what is lost, and curves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from roadworthy.report import marks
from roadworthy.report.blocks import Column, Entry, Group, Row, Table
from roadworthy.report.cells import Cell, stresses_of
from roadworthy.report.evidence import Evidence
from roadworthy.report.families import FAMILIES, OTHERS, corruption_of, family_of, in_order
from roadworthy.report.figure import Figure
from roadworthy.report.levels import MOST_SERIES
from roadworthy.report.parts import part_of
from roadworthy.report.points import point
from roadworthy.report.reading import Reading
from roadworthy.report.style import Point

CAPTION = "Top-1 in percent."
HINT = (
    "The redder, the more of the clean accuracy is lost. Intervals show when pointed at, and are in the "
    "table of all results."
)
CURVES = "Top-1 accuracy over severity, with 95 % intervals; 0 is clean."


@dataclass(frozen=True)
class Grid:
    """The corruptions of a model on some data: cells by name and severity, and the clean accuracy."""

    name: str
    model: str
    clean: Reading | None
    cells: dict[str, dict[int, Cell]] = field(default_factory=dict)

    @property
    def every(self) -> list[Cell]:
        """All cells."""
        return [cell for own in self.cells.values() for cell in own.values()]


def grids(evidence: Evidence) -> list[Grid]:
    """Return the corruptions of each model on each data set, those of a stored benchmark as one."""
    found: dict[tuple[str, str], Grid] = {}
    for cell in evidence.cells:
        told = corruption_of(cell)
        if told is None or cell.value("top1") is None:
            continue
        part = part_of(cell.data)
        data = cell.data if part is None else part.whole
        if (cell.model, data) not in found:
            clean = _clean(evidence, cell)
            name = evidence.who(cell.model, data, "") or evidence.models[cell.model]
            found[cell.model, data] = Grid(name, evidence.models[cell.model], clean)
        found[cell.model, data].cells.setdefault(told[0], {}).setdefault(told[1], cell)
    return list(found.values())


def _clean(evidence: Evidence, cell: Cell) -> Reading | None:
    """Return the accuracy on the clean images of the same data, or on whatever clean images there are."""
    own = [c for c in evidence.cells if c.model == cell.model and c.axis == "clean"]
    own = [c for c in own if part_of(c.data) is None and c.value("top1") is not None]
    same = [c for c in own if c.data == cell.data]
    best = next(iter([*same, *own]), None)
    return best.readings["top1"] if best is not None else None


def heat_map(grid: Grid, *, several: bool) -> Table:
    """Return corruptions as lines and severities as columns, coloured by the share that is lost."""
    levels = sorted({level for own in grid.cells.values() for level in own})
    groups: dict[str, list[Row]] = {}
    for name in in_order(set(grid.cells)):
        entries = [_cell(grid.cells[name].get(level), grid.clean) for level in levels]
        row = Row([Entry(name, code=True), *entries], about=grid.model if several else "")
        groups.setdefault(family_of(name), []).append(row)
    clean = f" Clean it is {grid.clean.full}." if grid.clean is not None else ""
    return Table(
        [Column("corruption"), *(Column(f"severity {level}", number=True) for level in levels)],
        [Group(family, groups[family]) for family in (*FAMILIES, OTHERS) if family in groups],
        CAPTION + clean,
        f"Corruption by severity: {grid.name}" if several else "Corruption by severity",
        stresses_of(grid.every),
        HINT,
    )


def _cell(cell: Cell | None, clean: Reading | None) -> Entry:
    if cell is None:
        return Entry("–", number=True)
    reading = cell.readings["top1"]
    heat = None
    if clean is not None and clean.value and reading.value is not None:
        heat = min(1.0, max(0.0, 1 - reading.value / clean.value))
    return Entry(reading.text, title=f"{reading.interval} n = {reading.n}", number=True, heat=heat)


def curves(found: Sequence[Grid]) -> Iterator[Figure]:
    """Yield a chart of all lines where one has room for them, else one for each family.

    Of several models the lines are means over the family.
    """
    lines = {
        (grid.name if len(found) > 1 else "", name): (grid, own)
        for grid in found
        for name, own in grid.cells.items()
        if len(own) > 1
    }
    if len(found) > 1 and len(lines) > MOST_SERIES:
        yield from _means(found[:MOST_SERIES])
        return
    by_family: dict[str, dict[str, tuple[Grid, Mapping[int, Cell]]]] = {}
    for (who, name), line in lines.items():
        family = "" if len(lines) <= MOST_SERIES else family_of(name)
        by_family.setdefault(family, {})[" · ".join(filter(None, (who, name)))] = line
    for family, own in by_family.items():
        kept = dict(list(own.items())[:MOST_SERIES])
        points = [p for series, line in kept.items() for p in _points(series, *line)]
        more = len(own) - len(kept)
        left = f" {more} more lines are in the table." if more else ""
        title = f"Accuracy over severity: {family.lower()}" if family else "Accuracy over severity"
        chart = marks.curves(points, x="severity (0 is clean)", y="top-1, %", integer=True)
        stresses = stresses_of(cell for _, cells in kept.values() for cell in cells.values())
        yield Figure(title, CURVES + left, chart, stresses)


def _means(found: Sequence[Grid]) -> Iterator[Figure]:
    """Yield a chart for each family: the mean over its corruptions, one line a model."""
    for family in (*FAMILIES, OTHERS):
        points = [p for grid in found for p in _mean_points(grid, family)]
        if len({p["x"] for p in points}) < 3:
            continue
        chart = marks.curves(points, x="severity (0 is clean)", y="mean top-1, %", integer=True)
        own = [
            c
            for g in found
            for name, cells in g.cells.items()
            if family_of(name) == family
            for c in cells.values()
        ]
        caption = "Top-1 accuracy over severity, the plain mean over the corruptions of the family."
        yield Figure(f"Accuracy over severity: {family.lower()}", caption, chart, stresses_of(own))


def _mean_points(grid: Grid, family: str) -> Iterator[Point]:
    own = [cells for name, cells in grid.cells.items() if family_of(name) == family]
    shared = set.intersection(*map(set, own)) if own else set()
    if grid.clean is not None and shared:
        clean = Reading(grid.clean.value, None, None, "percent", grid.clean.n)
        yield point(clean, label="clean", series=grid.name, x=0.0)
    for level in sorted(shared):
        readings = [cells[level].readings["top1"] for cells in own]
        mean = sum(reading.value or 0.0 for reading in readings) / len(readings)
        told = Reading(mean, None, None, "percent", min(reading.n for reading in readings))
        yield point(told, label=f"severity {level}", series=grid.name, x=float(level))


def _points(series: str, grid: Grid, own: Mapping[int, Cell]) -> Iterator[Point]:
    if grid.clean is not None:
        yield point(grid.clean, label="clean", series=series, x=0.0)
    for level, cell in sorted(own.items()):
        reading = cell.readings["top1"]
        yield point(reading, label=f"severity {level}", series=series, x=float(level))
