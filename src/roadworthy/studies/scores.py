"""From the rows of a summary to the scores whose trade-off is looked at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from roadworthy.stress.reference import is_clean
from roadworthy.studies.groups import About, about
from roadworthy.studies.tradeoff import Kind, Score, as_dict, correlations, pairs

ADVERSARIAL = ("robust_top1", "curve_area", "worst_case_top1", "worst_case_area")
NATURAL = ("mce", "mean_error", "mfr", "flip_probability")


def tradeoff(
    rows: Iterable[Mapping[str, Any]], facts: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """Return what ``summary.json`` says of natural against adversarial robustness.

    ``facts`` are the records of the models, by spec. Empty unless some architecture was judged with
    two ways of training, or models of any group have scores of both kinds.
    """
    rows = list(rows)
    models = [
        about(model, facts.get(model.partition(" [")[0]))
        for model in dict.fromkeys(row["model"] for row in rows)
    ]
    scores = scores_of(rows) if len(models) > 1 else []
    if len({score.kind for score in scores}) < 2:
        return {}
    together = pairs(models, scores)
    inside = [one for one in correlations(models, scores) if together or one.rho is not None]
    if not (together or inside):
        return {}
    return {
        "models": [_about(model) for model in models],
        "scores": [_score(score) for score in scores],
        "pairs": [as_dict(pair) for pair in together],
        "correlations": [as_dict(one) for one in inside],
    }


def scores_of(rows: Iterable[Mapping[str, Any]]) -> list[Score]:
    """Return the scores in the rows of a summary, natural ones first.

    Natural are the accuracy on each clean data set and what suites and corruptions are quoted by; in a
    run without these the accuracy under each corruption at one severity. Adversarial are the
    accuracy under attacks with a budget and the areas under their curves. Where inputs were made
    for another model they do not count.
    """
    rows = list(rows)
    several = len({row["data"] for row in rows}) > 1
    found: dict[tuple[Kind, str, str], dict[str, tuple[float, float | None, float | None]]] = {}
    alone = _alone(rows)
    for row in rows:
        kind = _kind(row, alone=row["stress"] in alone)
        if kind is None or row["value"] is None:
            continue
        key = (kind, _label(row, several), row["metric"])
        found.setdefault(key, {})[row["model"]] = (row["value"], row["low"], row["high"])
    made = [Score(*key, values) for key, values in found.items() if len(values) > 1]
    return sorted(made, key=lambda score: score.kind == "adversarial")


def _alone(rows: Iterable[Mapping[str, Any]]) -> set[str]:
    """Return the stresses with one variant each, unless corruptions are quoted by a suite or a mean."""
    from roadworthy.report.names import axis_of

    variants: dict[tuple[str, str, str], set[str]] = {}
    for row in rows:
        if row["metric"] in NATURAL or axis_of(row["stress"]) == "suite":
            return set()
        key = (row["stress"], row["model"], row["data"])
        variants.setdefault(key, set()).add(row["variant"])
    several = {stress for (stress, _, _), found in variants.items() if len(found) > 1}
    return {stress for stress, _, _ in variants} - several


def _kind(row: Mapping[str, Any], *, alone: bool) -> Kind | None:
    """Return the kind of score that a row is; ``alone`` says that its stress is not quoted otherwise."""
    from roadworthy.report.names import axis_of

    metric, source = row["metric"], row.get("source")
    if source and source != row["model"].partition(" [")[0]:
        return None
    if is_clean(row["stress"]):
        return "natural" if metric == "top1" else None
    axis = axis_of(row["stress"])
    if axis == "adversarial":
        return "adversarial" if metric in ADVERSARIAL else None
    if axis == "corruption" and alone and metric == "top1":
        return "natural"
    return "natural" if metric in NATURAL and not row["variant"] else None


def _label(row: Mapping[str, Any], several: bool) -> str:
    from roadworthy.report.cells import label_of

    where = f" on {row['data']}" if several else ""
    return f"{row['metric']} · {label_of(row['stress'], row['variant'])}{where}"


def _about(model: About) -> dict[str, str]:
    names = ("model", "architecture", "family", "group")
    return {name: getattr(model, name) for name in names}


def _score(score: Score) -> dict[str, Any]:
    values = {model: list(value) for model, value in score.values.items()}
    return {"kind": score.kind, "label": score.label, "metric": score.metric, "values": values}
