"""What of a run is exported: of which model, which metrics, and how intervals are written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from roadworthy.comparing.matching import named
from roadworthy.errors import UsageError, did_you_mean
from roadworthy.exporting.formats import Intervals
from roadworthy.gating.pick import check_metric, lines_of
from roadworthy.report.cells import distinct, entries, text_of


@dataclass(frozen=True)
class Choice:
    """What of a run is exported: everything, or only of one ``model``, only these ``metrics``.

    ``section`` names a section of the page whose tables are meant; ``intervals`` says how they are
    written in tables.
    """

    model: str | None = None
    metrics: Sequence[str] = ()
    section: str | None = None
    intervals: Intervals = "brackets"


def chosen(summary: Mapping[str, Any], choice: Choice) -> Mapping[str, Any]:
    """Return a summary with the rows, warnings and reasons of a choice alone.

    Raises UsageError with the nearest name for a model or metric that there is not.
    """
    if choice.model is not None:
        models = distinct(text_of(row, "model") for row in entries(summary, "rows"))
        model = named(choice.model, models, "model")
        run = summary.get("run")
        about = dict(run) if isinstance(run, Mapping) else {}
        about["warnings"] = _of(about, "warnings", model)
        kept = {name: _of(summary, name, model) for name in ("rows", "unavailable")}
        summary = {**summary, **kept, "run": about}
    if choice.metrics:
        check(summary, choice.metrics)
        rows = [r for r in entries(summary, "rows") if text_of(r, "metric") in choice.metrics]
        summary = {**summary, "rows": rows}
    return summary


def check(summary: Mapping[str, Any], metrics: Sequence[str]) -> None:
    """Raise UsageError for a metric that there is not, or that this run has not."""
    lines = lines_of(summary)
    known = distinct(line.metric for line in lines)
    for name in metrics:
        check_metric(name, lines)
        if name not in known:
            hint = did_you_mean(name, known)
            raise UsageError(f"the run has no {name}{hint or '; it has ' + ', '.join(known)}")


def _of(parent: Mapping[str, Any], key: str, model: str) -> list[Mapping[str, Any]]:
    """Return the entries of a list that are of a model, or of none in particular."""
    return [one for one in entries(parent, key) if text_of(one, "model") in (model, "")]
