"""Tables of subsets: how large they are and where they lie, and what other models make of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from roadworthy.report.blocks import Block, Column, Entry, Group, Row, Table, Text, shown
from roadworthy.report.cells import Cell, stresses_of
from roadworthy.report.evidence import Evidence
from roadworthy.report.subsets.audits import Audit, ranking_of
from roadworthy.report.subsets.audits import stresses_of as stresses_in

SIZES = (
    "A sufficient input subset is what is left of an image when as many pixels as possible are gone and "
    "the model is still as sure as the threshold of what it saw in the whole. Sizes are in percent of "
    "the pixels, with 95 % intervals over images; right and wrong are the images that the model has right "
    "and wrong when it sees all of them. The last columns say where the pixels lie: within an eighth of "
    "a side from the edge (random pixels of a square frame: 43.8 %) and in the middle half of both "
    "sides (25 %)."
)
MEASURES = (
    ("sis_size_median", "median"),
    ("sis_size_mean", "mean"),
    ("sis_size_correct", "of right images"),
    ("sis_size_wrong", "of wrong images"),
    ("minimal_size_mean", "after a deletion pass"),
    ("border_mass", "near the edge"),
    ("centre_mass", "in the middle"),
)
OVERLAP = (
    "Subsets that one model made, shown to another one. Overlap is the pixels in both models' subsets of "
    "an image over the pixels in either; the rank correlation is that of the orders in which their "
    "pixels go. By chance subsets of the share f overlap by f / (2 - f), and the correlation is 0."
)
OVERLAPS = (
    ("sufficient_rate", "as sure as the threshold"),
    ("subset_top1", "top-1"),
    ("subset_overlap", "overlap"),
    ("order_correlation", "rank correlation"),
)


def sizes(found: Sequence[Audit]) -> Iterator[Block]:
    """List sizes and places of the subsets of every audit."""
    measures = [(m, text) for m, text in MEASURES if any(one.reading(m) for one in found)]
    rows = [
        Row(
            [
                Entry(one.title or one.variant, code=not one.title),
                Entry(str(one.cell.n if one.cell else 0), number=True),
                *(shown(one.reading(metric)) for metric, _ in measures),
            ],
            about=one.about,
        )
        for one in found
    ]
    columns = [Column("subsets"), Column("images", number=True)]
    columns += [Column(f"{text}, %", number=True) for _, text in measures]
    if rows:
        yield Table(columns, [Group("", rows)], SIZES, "Sizes", stresses_in(found))
    for one in found:
        said = _without(one)
        if said:
            yield Text(said, "soft")


def _without(one: Audit) -> str:
    """Return how many images have no subset and why, where records say so."""
    rows = one.rows.filter(variant=one.variant, status="not_applicable")
    if rows.is_empty():
        return ""
    invalid = sum("baseline_suffices" in (flags or []) for flags in rows["flags"].to_list())
    unsure = len(rows) - invalid
    parts = [
        f"{unsure} images, of the whole of which the model is not that sure" * bool(unsure),
        f"{invalid} images, of whose class it is that sure without any pixel" * bool(invalid),
    ]
    said = f"no subset of {' and of '.join(filter(None, parts))}."
    return f"{one.title}: {said}" if one.title else said.capitalize()


def overlaps(evidence: Evidence) -> Iterator[Block]:
    """List what judges make of subsets that other models made."""
    found = [
        cell
        for cell in evidence.every
        if cell.axis == "overinterpretation"
        and cell.source not in ("", cell.model)
        and "control=" not in cell.variant
        and "baseline=" not in cell.variant
        and ranking_of(cell.stress) is not None
    ]
    measures = [(m, text) for m, text in OVERLAPS if any(m in cell.readings for cell in found)]
    rows = [_overlap(evidence, cell, [m for m, _ in measures]) for cell in found]
    columns = [*map(Column, ("made by", "judged by", "subsets")), Column("n", number=True)]
    columns += [
        Column(text + ", %" * (text != "rank correlation"), number=True) for _, text in measures
    ]
    title = "Subsets shown to other models"
    if rows:
        yield Table(columns, [Group("", rows)], OVERLAP, title, stresses_of(found))


def _overlap(evidence: Evidence, cell: Cell, measures: Sequence[str]) -> Row:
    names = evidence.models
    entries = [Entry(names.get(cell.source, cell.source)), Entry(names.get(cell.model, cell.model))]
    entries += [Entry(cell.variant, code=True), Entry(str(cell.n), number=True)]
    entries += [shown(cell.readings.get(metric)) for metric in measures]
    return Row(entries, about=names.get(cell.model, cell.model) if len(names) > 1 else "")
