"""Tables of metrics: a line a cell, by axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from roadworthy.metrics.transfer import TRANSFER
from roadworthy.report.blocks import Column, Entry, Group, Row, Table, shown
from roadworthy.report.cells import Cell, distinct, stresses_of
from roadworthy.report.evidence import Evidence
from roadworthy.report.names import AXES, model_names

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
    "coverage_at_risk": "coverage at 5 % risk",
    "worst_case_median": "worst case median",
    "median_linf": "median Linf",
    "median_l2": "median L2",
    "median_l1": "median L1",
    "median_l0": "median L0",
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
LARGEST_PER_PIXEL = "median_linf_per_pixel"
"""The unit of one study's figures; the largest change of any element has no use for their number."""

QUERIES = tuple(name for name in HEADINGS if name.endswith("_queries"))
CHANGES = tuple(name for name in HEADINGS if "median" in name and name not in QUERIES)
FLIPS = (
    "flip_probability",
    "flip_rate",
    "mfr",
    "t5d",
    "mt5d",
    "zipf_distance",
    "top1",
    "drop",
)
TABLES = {
    "flips": FLIPS,
    "calibration": CALIBRATION,
    "changes": ("success_rate", *CHANGES),
    "queries": ("success_rate", *QUERIES),
}


@dataclass(frozen=True)
class Naming:
    """Which names the lines of a table need, and in what short form."""

    names: Mapping[str, str]
    keys: Sequence[str]
    failed: bool


def results(evidence: Evidence, *, about: str | None = None, caption: str = "") -> list[Table]:
    """Return the cells as one table: of the metrics ``about`` something, or of all others.

    ``about`` is "calibration", "changes" (how small a change suffices), "queries" (how many do) or
    "flips" (of sequences, which are among the others, too);
    success rates stand there and among the others, too. Plug-ins' metrics are among the others.
    There is no table where there is nothing to show.
    """
    found = [_with_worst_case(cell) for cell in evidence.cells]
    if about == "changes":
        found = [cell for cell in found if _sought(cell)]
    if about == "flips":
        found = [cell for cell in found if _flips(cell)]
    if about == "queries":
        found = [cell for cell in found if any(name in QUERIES for name in cell.readings)]
    metrics = _columns(found, about)
    found = [cell for cell in found if any(name in cell.readings for name in metrics)]
    if not found:
        return []
    texts = [text for cell in found for text in (cell.model, cell.data, cell.source)]
    keys = [key for key in ("model", "data") if len({getattr(cell, key) for cell in found}) > 1]
    names = {**model_names(texts, 48), **evidence.models}
    naming = Naming(names, keys, any(cell.failed for cell in found))
    columns = [
        *map(Column, ("stress", *keys)),
        *(Column(HEADINGS.get(metric, metric), number=True) for metric in metrics),
        *(Column(name, number=True) for name in ("n", "failed")[: 1 + naming.failed]),
    ]
    groups = [
        Group(title, [_row(cell, metrics, naming) for cell in found if cell.axis == axis])
        for axis, title in AXES.items()
    ]
    shown_groups = [group for group in groups if group.rows]
    return [Table(columns, shown_groups, caption, stresses=stresses_of(found))]


def _columns(found: Sequence[Cell], about: str | None) -> list[str]:
    measured = distinct(name for cell in found for name in cell.readings)
    ranked = [name for name in HEADINGS if name in measured]
    ranked += [name for name in measured if name not in HEADINGS]
    apart = {*CALIBRATION, *CHANGES, *QUERIES, *TRANSFER, LARGEST_PER_PIXEL}
    return [n for n in ranked if (n in TABLES[about] if about else n not in apart)]


def _row(cell: Cell, metrics: Sequence[str], naming: Naming) -> Row:
    made = cell.source and cell.source != cell.model
    return Row(
        [
            Entry(
                cell.variant if cell.nested else cell.label,
                f"made on {naming.names[cell.source]}" if made else "",
                code=True,
            ),
            *(Entry(naming.names[getattr(cell, key)]) for key in naming.keys),
            *(shown(cell.readings.get(metric)) for metric in metrics),
            Entry(str(cell.n), number=True),
            *[Entry(str(cell.failed), number=True, bad=cell.failed > 0)][: naming.failed],
        ],
        nested=cell.nested,
        about=naming.names[cell.model] if "model" in naming.keys else "",
    )


def _with_worst_case(cell: Cell) -> Cell:
    """Put the worst case over several attacks into the columns of one."""
    own = {_OF_ONE.get(name, name): reading for name, reading in cell.readings.items()}
    return replace(cell, readings=own)


def _flips(cell: Cell) -> bool:
    """Whether flips are between frames: over pipelines they are between ways to read a file."""
    return cell.value("flip_probability") is not None and cell.value("worst_drop") is None


def _sought(cell: Cell) -> bool:
    """Whether an attack looked for the smallest change, be it of several budgets."""
    changes = any(name in CHANGES for name in cell.readings)
    return changes and (cell.pooled or "robust_top1" not in cell.readings)


_OF_ONE = {"worst_case_top1": "robust_top1", "worst_case_area": "curve_area"}
