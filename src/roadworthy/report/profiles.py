"""Operating profiles in the summary, and in words: each condition, and the worst plausible mixture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from roadworthy.errors import UsageError
from roadworthy.metrics.conditions import costs_in, errors_of
from roadworthy.report.cells import entries, text_of
from roadworthy.report.names import model_names, short_names
from roadworthy.report.reading import number, reading_of, real
from roadworthy.report.suites import Suites

DIGITS = 7
METRICS = {"error": "percent", "cost": "none"}
_SHORT = {"model": model_names, "data": short_names}


def profiles(suites: Suites) -> Iterator[dict[str, Any]]:
    """Yield, for each profile, model and data set, its conditions: errors, costs, probabilities.

    ``worst_for_error`` and ``worst_for_cost`` are the probabilities of the worst plausible mixture.
    """
    for spec, suite in suites.known.items():
        if not suite.get("profile"):
            continue
        for own, cells in suites.cells_of(spec):
            cell = next(iter(own.values())).cell
            try:
                found = {"error": errors_of(cells), "cost": costs_in(cells)}
            except UsageError:  # the rows of the suite say why
                continue
            conditions: list[dict[str, Any]] = [
                {"name": one["name"], "stress": one["stress"], "probability": one["probability"]}
                for one in suite["profile"]["conditions"]
            ]
            for name, seen in found.items():
                if seen is None:
                    continue
                scale = 100 if METRICS[name] == "percent" else 1
                for one, mean, worst in zip(
                    conditions, seen.values.mean(axis=0), seen.worst, strict=True
                ):
                    one[name] = _rounded(scale * float(mean))
                    one[f"worst_for_{name}"] = _rounded(float(worst))
            yield {
                "model": cell.judge,
                "data": cell.data,
                "stress": spec,
                "name": suite["profile"]["name"],
                "distance": suite["profile"]["distance"],
                "conditions": conditions,
            }


def sentences(summary: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each profile, model and data set: expected, and under the worst mixture."""
    found = entries(summary, "profiles")
    names = [short([text_of(one, key) for one in found], 48) for key, short in _SHORT.items()]
    for one in found:
        told = zip((text_of(one, key) for key in _SHORT), names, strict=True)
        who = "".join(f", {known[text]}" for text, known in told if len(known) > 1)
        for kind, unit in METRICS.items():
            expected, worst = (
                _row(summary, one, metric)
                for metric in (f"expected_{kind}", f"worst_mixture_{kind}")
            )
            if expected is None or worst is None:
                continue
            percent = " %" if unit == "percent" else ""
            yield (
                f"{text_of(one, 'name')}{who}: expected {kind} {expected}{percent}; under the worst "
                f"plausible mixture {worst}{percent}{_moves(one, kind)}"
            )


def _row(summary: Mapping[str, Any], one: Mapping[str, Any], metric: str) -> str | None:
    keys = ("model", "data", "stress")
    for row in entries(summary, "rows"):
        if row.get("metric") == metric and all(row.get(key) == one.get(key) for key in keys):
            return reading_of(row, unit=text_of(row, "unit")).full
    return None


def _moves(one: Mapping[str, Any], kind: str) -> str:
    """Return how the worst mixture differs: ``(night 12 to 22 %, day 60 to 50 %)``."""
    moves = []
    for condition in entries(one, "conditions"):
        given, worst = real(condition.get("probability")), real(condition.get(f"worst_for_{kind}"))
        if given is not None and worst is not None and abs(worst - given) > 5e-4:
            ends = " to ".join(number(100 * value, "percent") for value in (given, worst))
            moves.append((given - worst, f"{text_of(condition, 'name')} {ends} %"))
    listed = ", ".join(text for _, text in sorted(moves))
    return f" ({listed})" if listed else ""


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
