"""A section of a Hugging Face model card: ``model-index`` for the Hub, a table for people."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from roadworthy.errors import UsageError
from roadworthy.exporting.choice import Choice
from roadworthy.exporting.headline import Measure, Paper, heading, measures_of
from roadworthy.exporting.markdown import escaped, grid
from roadworthy.report.cells import Cell, cells, distinct, text_of
from roadworthy.report.current import versions_of
from roadworthy.report.matrix import own_cells
from roadworthy.report.names import model_names, pathless
from roadworthy.report.reading import Reading
from roadworthy.report.table import fitting

MARK = "<!-- roadworthy -->"
"""Stands in what this file writes, so that it may be written again."""

HUB = {"top1": "accuracy", "top5": "accuracy"}
"""What the Hub calls a metric; all others keep their names."""

TASK = {"type": "image-classification", "name": "Image Classification"}


def card(summary: Mapping[str, Any], choice: Choice, paper: Paper) -> str:
    """Return front matter and section of a model card, about the one model of a summary.

    ``paper`` is its headline table.

    There is one result for each data set and stress, whose name is the ``config`` of the data set.
    Values are in the unit that the name of the metric says; interval, number of images and version
    of the definition are its ``args``. Raises UsageError where there are several models, or none.
    """
    found = fitting(own_cells(cells(summary)))
    models = distinct(cell.model for cell in found)
    if len(models) != 1:
        names = model_names(models, 60)
        listed = ", ".join(f"'{names[model]}'" for model in models) or "nothing"
        raise UsageError(
            f"a model card is about one model, here is {listed}; name one with --model"
        )
    about = summary.get("run")
    version = text_of(about, "roadworthy") if isinstance(about, Mapping) else ""
    index = [
        {"name": model_names(models, 60)[models[0]], "results": _results(summary, found, choice)}
    ]
    front = yaml.safe_dump({"model-index": index}, sort_keys=False, allow_unicode=True, width=100)
    data = ", ".join(pathless(name) for name in distinct(cell.data for cell in found))
    section = [
        "## Robustness",
        "",
        f"Measured with roadworthy {version} on {escaped(data)}. {escaped(paper.table.caption)}",
        "",
        *grid(paper.table),
    ]
    notes = [f"- {escaped(note)}" for note in paper.notes]
    return (
        "\n".join(["---", front + "---", MARK, *section, *([""] if notes else []), *notes]) + "\n"
    )


def _results(
    summary: Mapping[str, Any], found: Sequence[Cell], choice: Choice
) -> list[dict[str, Any]]:
    measures, versions = measures_of(found, choice.metrics), versions_of(summary)
    names = _dataset_names(distinct(cell.data for cell in found))
    results = []
    for cell in found:
        metrics = list(_metrics(found, cell, measures, versions))
        if metrics:
            data: dict[str, Any] = {"name": pathless(cell.data), "type": names[cell.data]}
            if cell.label != "clean":
                data["config"] = cell.label
            results.append({"task": TASK.copy(), "dataset": data, "metrics": metrics})
    return results


def _metrics(
    found: Sequence[Cell], cell: Cell, measures: Sequence[Measure], versions: Mapping[str, int]
) -> Iterator[dict[str, Any]]:
    for measure in measures:
        reading = measure.read(cell)
        if reading.value is None:
            continue
        name = _name_of(cell, reading)
        yield {
            "type": HUB.get(name, name),
            "value": reading.value,
            "name": heading(found, measure).rstrip(" ↑↓"),
            "args": {
                "metric": name,
                "version": versions.get(name, 1),
                "low": reading.low,
                "high": reading.high,
                "confidence": 0.95,
                "n": reading.n,
            },
        }


def _name_of(cell: Cell, reading: Reading) -> str:
    """Return the metric that a reading is of: a column may hold means of suites as well."""
    return next(name for name, known in cell.readings.items() if known is reading)


def _dataset_names(specs: Sequence[str]) -> dict[str, str]:
    """Return a name of its own for each data set, in the letters of names on the Hub."""
    names: dict[str, str] = {}
    for spec in specs:
        last = re.split(r"[/:\\]", spec.partition("(")[0].rstrip("/"))[-1]
        stem = re.sub(r"[^a-z0-9._-]+", "-", last.rsplit(".", 1)[0].lower()).strip("-.") or "data"
        known = [
            name for name in names.values() if re.fullmatch(rf"{re.escape(stem)}(-\d+)?", name)
        ]
        names[spec] = f"{stem}-{len(known) + 1}" if known else stem
    return names
