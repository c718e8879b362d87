"""One metric of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from roadworthy.errors import UsageError, did_you_mean
from roadworthy.gating.pick import Line, Selection, lines_of, pick
from roadworthy.metrics.base import Estimate
from roadworthy.report.cells import distinct, entries, label_of, text_of
from roadworthy.report.names import model_names, short_names

MOST = 6
"""Values that are named where several are meant."""


def metric(summary: Mapping[str, Any], wanted: Selection) -> Estimate:
    """Return the one value that is meant; of ``clean``, where no stress is named and it has one.

    Raises UsageError with the nearest name for what there is not, and where several are meant.
    """
    known = lines_of(summary)
    found = pick(wanted, known)
    if not found.lines:
        metrics = distinct(line.metric for line in known)
        there = distinct(line.stress for line in known)
        nearest = wanted.metric not in metrics and did_you_mean(wanted.metric, metrics)
        raise UsageError(
            f"{found.missing}{nearest or '; there are the stresses ' + ', '.join(there)}"
        )
    lines = list(found.lines)
    if wanted.stress is None and len({line.stress for line in lines}) > 1:
        lines = [line for line in lines if line.stress == "clean"] or lines
    if len(lines) > 1:
        raise UsageError(f"{wanted.metric} is one of {_listed(lines)}; {_hint(lines)}")
    one = lines[0]
    if one.estimate.value is None:
        return replace(one.estimate, reason=_reason(one, summary))
    return one.estimate


def _listed(lines: Sequence[Line]) -> str:
    known = {
        name: distinct(getattr(one, name) for one in lines) for name in ("model", "data", "source")
    }
    names = {
        name: short_names(texts, 60) if name == "data" else model_names(texts, 60)
        for name, texts in known.items()
        if len(texts) > 1
    }
    texts = [
        " · ".join(
            (
                label_of(one.stress, one.variant),
                *(short[getattr(one, name)] for name, short in names.items()),
            )
        )
        for one in lines[:MOST]
    ]
    more = len(lines) - len(texts)
    return "; ".join(texts) + (f" and {more} more" if more > 0 else "")


def _hint(lines: Sequence[Line]) -> str:
    names = ("stress", "model", "data", "variant", "source")
    varying = [f"{name}=" for name in names if len({getattr(line, name) for line in lines}) > 1]
    return f"say which with {', '.join(varying)}"


def _reason(line: Line, summary: Mapping[str, Any]) -> str:
    """Return why a metric has no value, as far as the summary says."""
    for entry in entries(summary, "unavailable"):
        if all(text_of(entry, name) == getattr(line, name) for name in ("model", "data")):
            names, colon, reason = text_of(entry, "reason").partition(": ")
            if colon and line.metric in names.split(", "):
                return reason
    return ""
