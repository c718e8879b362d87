"""The tables of the page: results by axis, worst classes, failed samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from roadworthy.metrics.transfer import TRANSFER
from roadworthy.report.cells import Cell, distinct, entries, text_of
from roadworthy.report.names import AXES, clean_text, short_names
from roadworthy.report.reading import Reading, reading_of

if TYPE_CHECKING:
    import polars as pl

HEADINGS = {
    "top1": "top-1 %",
    "mce": "mCE %",
    "mfr": "mFR %",
    "mt5d": "mT5D %",
    "ce": "CE %",
    "flip_rate": "FR %",
    "mean_error": "mean error %",
    "relative_mce": "relative mCE %",
    "relative_ce": "relative CE %",
    "top5": "top-5 %",
    "drop": "drop, points",
    "robust_top1": "robust top-1 %",
    "success_rate": "success %",
    "disagreement": "changed %",
    "flip_probability": "flips %",
    "t5d": "T5D",
    "zipf_distance": "Zipf distance",
    "curve_area": "area %",
    "worst_class_top1": "worst class %",
    "ece": "ECE %",
    "nll": "NLL, nats",
    "brier": "Brier",
    "aurc": "AURC",
    "coverage_at_risk": "coverage at risk",
    "worst_case_median": "worst case median",
    "median_linf": "median Linf",
    "median_l2": "median L2",
    "median_l1": "median L1",
    "median_l0": "median L0",
    "median_linf_per_pixel": "Linf per pixel",
    "median_l2_per_pixel": "L2 per pixel",
    "median_l1_per_pixel": "L1 per pixel",
    "median_l0_per_pixel": "L0 per pixel",
    "median_queries": "median queries",
    "success_at_100_queries": "success at 100 %",
    "success_at_1000_queries": "at 1,000 %",
    "success_at_5000_queries": "at 5,000 %",
    "success_at_10000_queries": "at 10,000 %",
}
CALIBRATION = ("ece", "nll", "brier", "aurc", "coverage_at_risk")
QUERIES = tuple(name for name in HEADINGS if name.endswith("_queries"))
CHANGES = tuple(name for name in HEADINGS if "median" in name and name not in QUERIES)
TABLES = {
    "calibration": CALIBRATION,
    "changes": ("success_rate", *CHANGES),
    "queries": ("success_rate", *QUERIES),
}
MOST_CLASSES = 25
MOST_STRESSES = 6
MOST_FAILURES = 200


@dataclass(frozen=True)
class ResultTable:
    """Cells by axis with the metrics that are its columns, and whether judges must be named."""

    metrics: list[tuple[str, str]]
    groups: list[tuple[str, list[Cell]]]
    names: dict[str, str]
    models: bool
    data: bool
    failed: bool


def results(found: Sequence[Cell], *, about: str | None = None) -> ResultTable:
    """Return the cells as a table: of the metrics ``about`` something, or of all others.

    ``about`` is "calibration", "changes" (how small a change suffices) or "queries" (how many do);
    success rates stand there and among the others, too. Plug-ins' metrics are among the others.
    """
    found = [_with_worst_case(cell) for cell in found]
    if about == "changes":
        found = [cell for cell in found if _sought(cell)]
    if about == "queries":
        found = [cell for cell in found if any(name in QUERIES for name in cell.readings)]
    measured = distinct(name for cell in found for name in cell.readings)
    ranked = [name for name in HEADINGS if name in measured]
    ranked += [name for name in measured if name not in HEADINGS]
    apart = {*CALIBRATION, *CHANGES, *QUERIES, *TRANSFER}
    chosen = [n for n in ranked if (n in TABLES[about] if about else n not in apart)]
    groups = [(AXES[axis], [cell for cell in found if cell.axis == axis]) for axis in AXES]
    return ResultTable(
        metrics=[(name, HEADINGS.get(name, name)) for name in chosen],
        groups=[(title, own) for title, own in groups if own],
        names=short_names(
            [text for cell in found for text in (cell.model, cell.data, cell.source)], 48
        ),
        models=len({cell.model for cell in found}) > 1,
        data=len({cell.data for cell in found}) > 1,
        failed=any(cell.failed for cell in found),
    )


def _with_worst_case(cell: Cell) -> Cell:
    """Put the worst case over several attacks into the columns of one."""
    own = {_OF_ONE.get(name, name): reading for name, reading in cell.readings.items()}
    return replace(cell, readings=own)


def _sought(cell: Cell) -> bool:
    """Whether an attack looked for the smallest change, be it of several budgets."""
    changes = any(name in CHANGES for name in cell.readings)
    return changes and (cell.pooled or "robust_top1" not in cell.readings)


_OF_ONE = {"worst_case_top1": "robust_top1", "worst_case_area": "curve_area"}

_Class = dict[str, Reading]
"""Accuracy of one class under each stress."""


@dataclass(frozen=True)
class ClassTable:
    """Worst classes of one model on one data set, one column per stress."""

    title: str
    stresses: list[str]
    rows: list[tuple[str, int, list[Reading | None]]]
    left_out: int


def worst_classes(summary: Mapping[str, Any]) -> list[ClassTable]:
    """Return the classes with the lowest mean accuracy over the stresses first, 25 a table."""
    tables: dict[tuple[str, str], dict[tuple[str, str], _Class]] = {}
    for entry in entries(summary, "per_class"):
        key = (text_of(entry, "model"), text_of(entry, "data"))
        label, name = text_of(entry, "label"), text_of(entry, "name")
        reading = reading_of(entry, value="top1")
        if reading.value is not None:
            classes = tables.setdefault(key, {})
            # by label as well: ImageNet has two cranes and two maillots
            classes.setdefault((name, label), {})[text_of(entry, "stress")] = reading
    return [_class_table(" · ".join(key), classes) for key, classes in tables.items()]


def _class_table(title: str, classes: dict[tuple[str, str], _Class]) -> ClassTable:
    stresses = distinct(stress for cells in classes.values() for stress in cells)[:MOST_STRESSES]

    def badness(item: tuple[tuple[str, str], _Class]) -> tuple[float, tuple[str, str]]:
        values = [reading.value or 0.0 for reading in item[1].values()]
        return sum(values) / len(values), item[0]

    ordered = sorted(classes.items(), key=badness)
    shown = [
        (
            name or f"class {label}",
            max(reading.n for reading in own.values()),
            [own.get(stress) for stress in stresses],
        )
        for (name, label), own in ordered[:MOST_CLASSES]
    ]
    return ClassTable(title, stresses, shown, len(ordered) - len(shown))


@dataclass(frozen=True)
class Failures:
    """Samples that could not be judged, with reasons; ``more`` are not listed."""

    listed: list[tuple[str, str, str]]
    more: int


def failures(rows: pl.DataFrame) -> Failures:
    """Return failed samples as (data, sample, reason), each once, at most 200."""
    import polars as pl

    found = (
        rows.filter(pl.col("status") == "failed")
        .select("data", "sample", pl.col("reason").fill_null(""))
        .unique(maintain_order=True)
    )
    listed = [
        (clean_text(data or ""), clean_text(sample or ""), clean_text(reason))
        for data, sample, reason in found.head(MOST_FAILURES).iter_rows()
    ]
    return Failures(listed, found.height - len(listed))
