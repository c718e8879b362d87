"""What stresses cost: points of accuracy lost, paired where the summary has them so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from roadworthy.report.cells import Cell
from roadworthy.report.names import stress_names
from roadworthy.report.parts import part_of
from roadworthy.report.reading import Reading
from roadworthy.report.rules.base import LEAST, Judged, as_points, level_of, percent
from roadworthy.report.sentence import Sentence

ACCURACIES = ("robust_top1", "worst_case_top1", "top1")
SAME = 1e-6


@dataclass(frozen=True)
class Loss:
    """Accuracy under one stress, and the points it lost against the clean images."""

    cell: Cell
    points: Reading
    left: Reading

    @property
    def sure(self) -> float:
        """The points that are lost at least."""
        return -1e9 if self.points.low is None else self.points.low

    @property
    def label(self) -> str:
        """The stress in few characters."""
        part = part_of(self.cell.data)
        if part is not None:
            level = "" if part.severity is None else f"(severity={part.severity})"
            return f"{part.name}{level} as stored"
        return stress_names([self.cell.label], 56)[self.cell.label]


def losses(judged: Judged, wanted: Callable[[Cell], bool]) -> list[Loss]:
    """Return what each wanted cell of a model lost, the worst first; no cell over several variants."""
    if judged.clean is None:
        return []
    clean = judged.clean.readings["top1"]
    found = [
        loss
        for cell in judged.every
        if not cell.pooled and wanted(cell) and (loss := _loss(cell, clean)) is not None
    ]
    return sorted(found, key=lambda one: (-(one.points.value or 0.0), one.label))


def _loss(cell: Cell, clean: Reading) -> Loss | None:
    left = next((cell.readings[m] for m in ACCURACIES if m in cell.readings), None)
    if left is None or left.value is None or clean.value is None:
        return None
    lost = difference(clean, left)
    paired = cell.readings.get("drop")
    if paired is None or paired.value is None:
        return Loss(cell, lost, left)
    # an attack that reached its goal may leave an answer right, and then it is another loss
    same = abs(paired.value - (lost.value or 0.0)) < SAME or "robust_top1" not in cell.readings
    return Loss(cell, paired if same else lost, left)


def difference(before: Reading, after: Reading) -> Reading:
    """Return the points lost, with the widest interval that those of the two allow."""
    if before.value is None or after.value is None:
        return Reading(None, None, None, "points")
    ends = (before.low, after.high, before.high, after.low)
    if None in ends:
        return Reading(before.value - after.value, None, None, "points", after.n)
    low, high = (before.low or 0) - (after.high or 0), (before.high or 0) - (after.low or 0)
    return Reading(before.value - after.value, low, high, "points", after.n)


def of_family(judged: Judged, title: str, names: frozenset[str], advice: str) -> Sentence | None:
    """Return what a family of corruptions costs at its worst, and from which severity on."""

    def wanted(cell: Cell) -> bool:
        part = part_of(cell.data)
        name = part.name if part is not None else cell.stress.partition("(")[0]
        return name in names and (part is not None or cell.axis == "corruption")

    found = losses(judged, wanted)
    if not found or found[0].sure <= LEAST or judged.clean is None:
        return None
    worst = found[0]
    text = (
        f"{title} takes up to {as_points(worst.points)} of accuracy, from "
        f"{judged.clean.readings['top1'].text} % to {percent(worst.left)} under {worst.label}"
    )
    return Sentence(
        f"{text}{_begins(found)}.", advice, worst.points.value or 0.0, level_of(worst.sure)
    )


def _begins(found: list[Loss]) -> str:
    from roadworthy.report.points import severity_of

    levels: dict[int, float] = {}
    for loss in found:
        part = part_of(loss.cell.data)
        severity = severity_of(loss.cell) if part is None else part.severity
        if severity is not None and loss.sure > LEAST:
            levels[int(severity)] = max(levels.get(int(severity), 0.0), loss.points.value or 0.0)
    if len(levels) < 2:
        return ""
    first = min(levels)
    return f"; at severity {first} already {levels[first]:.1f} points"
