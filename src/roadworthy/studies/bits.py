"""One network with fewer and fewer bits: what is left of its accuracy along each axis of a suite."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

Rows = Iterable[Mapping[str, Any]]
Cells = Mapping[tuple[str, str, str, str], list[Mapping[str, Any]]]
"""Rows of a summary by data, judge, source and stress."""

AXES = {
    "clean": "accuracy on clean images",
    "corruptions": "mean accuracy under the corruptions",
    "attacked": "accuracy under the strongest of the attacks, made for it",
    "handed_on": "accuracy on what the strongest of these attacks made for the float model",
    "systematic": "mean accuracy under systematic noise",
    "worst": "accuracy under the worst systematic noise",
}


def bits(runs: Iterable[Mapping[str, Any]], rows: Rows) -> list[dict[str, Any]]:
    """Return what ``summary.json`` says of suites that compare models with others made of them.

    One entry for each suite, data set and model, with a line for itself and for each made of it.
    """
    runs = list(runs)
    suites = {s["spec"]: s for run in runs for s in run.get("suites", ()) if s.get("derives")}
    models = {m["spec"]: m for run in runs for m in run.get("models", ())}
    made = [m for m in models.values() if m.get("origin")]
    if not suites or not made:
        return []
    cells = _cells(rows)
    found = []
    for spec, suite in suites.items():
        for data, origin in dict.fromkeys((key[0], m["origin"]) for key in cells for m in made):
            judged = [(origin, "float"), *_called(made, origin)]
            lines = [
                {"model": m, "called": called, "scores": _scores(cells, suite, data, m, origin)}
                for m, called in judged
            ]
            lines = [line for line in lines if line["scores"]]
            if len(lines) > 1:
                found.append({"suite": spec, "data": data, "model": origin, "lines": lines})
    return found


def _called(made: Sequence[Mapping[str, Any]], origin: str) -> list[tuple[str, str]]:
    return [(m["spec"], m.get("called", "")) for m in made if m["origin"] == origin]


def _cells(rows: Rows) -> Cells:
    found: dict[tuple[str, str, str, str], list[Mapping[str, Any]]] = {}
    for row in rows:
        model, source = row["model"].partition(" [")[0], row["source"] or ""  # without a precision
        source = "" if source == model else source
        found.setdefault((row["data"], model, source, row["stress"]), []).append(row)
    return found


def _scores(
    cells: Cells, suite: Mapping[str, Any], data: str, model: str, origin: str
) -> list[dict[str, Any]]:
    """Return the scores of one model along the axes for which there are rows."""
    factors = suite["factors"]

    def of(names: Sequence[str], metric: str, source: str = "") -> list[Mapping[str, Any]]:
        keys = [(data, model, source, name) for name in names]
        return [row for key in keys for row in _each(cells.get(key, []), metric)]

    attacks, noises = factors.get("attacks", ()), factors.get("systematic", ())
    handed = of(attacks, "robust_top1", origin) if model != origin else []
    parts = (
        ("clean", of(["clean"], "top1"), "one"),
        ("corruptions", of(factors.get("corruptions", ()), "top1"), "mean"),
        ("attacked", of(attacks, "robust_top1"), "least"),
        ("handed_on", handed, "least"),
        ("systematic", of(noises, "top1"), "mean"),
        ("worst", of(noises, "top1"), "least"),
    )
    return [_score(axis, found, how) for axis, found, how in parts if found]


def _each(rows: Iterable[Mapping[str, Any]], metric: str) -> Iterator[Mapping[str, Any]]:
    """Yield the rows of a metric that stand for themselves, not for several variants together."""
    wanted = [row for row in rows if row["metric"] == metric and row["value"] is not None]
    several = any(row["variant"] for row in wanted)
    yield from (row for row in wanted if row["variant"] or not several)


def _score(axis: str, rows: Sequence[Mapping[str, Any]], how: str) -> dict[str, Any]:
    if how == "mean" and len(rows) > 1:
        value = float(f"{sum(row['value'] for row in rows) / len(rows):.9g}")
        return {
            "axis": axis,
            "value": value,
            "low": None,
            "high": None,
            "n": rows[0]["n"],
            "of": "",
        }
    least = min(rows, key=lambda row: row["value"])
    named = f"{least['stress']}" + (f" {least['variant']}" if least["variant"] else "")
    return {
        "axis": axis,
        **{name: least[name] for name in ("value", "low", "high", "n")},
        "of": "" if axis == "clean" else named,
    }
