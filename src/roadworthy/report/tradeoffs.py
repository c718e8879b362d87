"""Natural against adversarial robustness on the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from roadworthy.report.called import called
from roadworthy.report.cells import entries, text_of
from roadworthy.report.figure import Figure
from roadworthy.report.points import point
from roadworthy.report.reading import Reading, number, real
from roadworthy.report.scatter import scatter
from roadworthy.report.tables import HEADINGS as TABLE_HEADINGS
from roadworthy.studies.groups import HEADINGS

MOST_SCORES = 8


@dataclass(frozen=True)
class TradeoffTables:
    """Changes of every score by pair of models, and rank correlations inside groups; all of it text."""

    scores: Sequence[str]
    pairs: Sequence[tuple[str, str, str, Sequence[tuple[str, bool]]]]
    correlations: Sequence[tuple[str, ...]]
    left_out: int


def tradeoff_tables(summary: Mapping[str, Any]) -> TradeoffTables | None:
    """Return the tables of the trade-off, None where a run says nothing of it."""
    found = summary.get("tradeoff")
    if not isinstance(found, Mapping) or not found:
        return None
    scores = _chosen(found)
    labels = [text_of(score, "label") for score in scores]
    names = _names(summary, found)
    every = entries(found, "correlations")
    kept = [c for c in every if {text_of(c, "natural"), text_of(c, "adversarial")} <= {*labels}]
    return TradeoffTables(
        scores=[_said(label) for label in labels],
        pairs=[_pair(pair, labels, names) for pair in entries(found, "pairs")],
        correlations=[_correlation(one) for one in _together(kept)],
        left_out=len(entries(found, "scores")) - len(scores),
    )


def tradeoff_figures(summary: Mapping[str, Any]) -> list[Figure]:
    """Return one chart, of the first natural and the first adversarial score."""
    found = summary.get("tradeoff")
    if not isinstance(found, Mapping):
        return []
    first = {text_of(score, "kind"): score for score in reversed(entries(found, "scores"))}
    if set(first) != {"natural", "adversarial"}:
        return []
    names, points = _names(summary, found), []
    for model in entries(found, "models"):
        spec = text_of(model, "model")
        values = [_value(first[kind], spec) for kind in ("natural", "adversarial")]
        if None not in values:
            group = text_of(model, "group")
            reading = Reading(values[1], None, None)
            series = HEADINGS.get(group, group)
            points.append(point(reading, label=names[spec], series=series, x=values[0]))
    if len(points) < 2:
        return []
    titles = [_said(text_of(first[kind], "label")) for kind in ("natural", "adversarial")]
    chart = scatter(points, x=titles[0], y=titles[1])
    caption = "Each dot is a model; further right and up is better where more of a score is."
    return [Figure("Natural against adversarial robustness", caption, chart)]


def _chosen(found: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return some scores of each kind, as many as a table has room for."""
    scores = entries(found, "scores")
    kinds = ("natural", "adversarial")
    half = MOST_SCORES // 2
    return [s for kind in kinds for s in [s for s in scores if text_of(s, "kind") == kind][:half]]


def _names(summary: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, str]:
    return called(summary, (text_of(m, "model") for m in entries(found, "models")))


def _value(score: Mapping[str, Any], model: str) -> float | None:
    values = score.get("values")
    listed = values.get(model) if isinstance(values, Mapping) else None
    return real(listed[0]) if isinstance(listed, list) and listed else None


def _pair(
    pair: Mapping[str, Any], labels: Sequence[str], names: Mapping[str, str]
) -> tuple[str, str, str, Sequence[tuple[str, bool]]]:
    changes = {text_of(one, "score"): one for one in entries(pair, "changes")}
    cells = [_change(changes.get(label)) for label in labels]
    ends = []
    for name in ("before", "after"):
        end = pair.get(name)
        spec = text_of(end, "model") if isinstance(end, Mapping) else ""
        ends.append(names.get(spec, spec))
    return text_of(pair, "architecture"), ends[0], ends[1], cells


def _change(one: Mapping[str, Any] | None) -> tuple[str, bool]:
    change = None if one is None else real(one.get("change"))
    if one is None or change is None:
        return "–", False
    text = number(abs(change), "points")
    sign = "" if text == "0.0" else "+" if change > 0 else "−"
    return f"{sign}{text}", one.get("clear") is True


def _together(every: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return correlations with one in place of all of a group that are missing for one reason."""
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for one in every:
        groups.setdefault(text_of(one, "group"), []).append(one)
    found: list[Mapping[str, Any]] = []
    for own in groups.values():
        reasons = {(text_of(one, "reason"), text_of(one, "n")) for one in own}
        if len(own) > 1 and len(reasons) == 1 and text_of(own[0], "reason"):
            found.append({**own[0], "natural": "each", "adversarial": "each"})
        else:
            found += own
    return found


def _correlation(one: Mapping[str, Any]) -> tuple[str, ...]:
    rho, low, high = (real(one.get(name)) for name in ("rho", "low", "high"))
    shown = number(rho, "none") if rho is not None else f"n/a: {text_of(one, 'reason')}"
    interval = "" if low is None or high is None else f"[{low:.3f}, {high:.3f}]"
    scores = (_said(text_of(one, name)) for name in ("natural", "adversarial"))
    return (text_of(one, "group"), *scores, text_of(one, "n"), shown, interval)


def _said(label: str) -> str:
    """Return a score as tables head it: ``top-1 %, clean`` for ``top1 · clean``."""
    metric, between, stress = label.partition(" · ")
    return f"{TABLE_HEADINGS.get(metric, metric)}, {stress}" if between else label
