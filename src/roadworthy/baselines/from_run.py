"""Any run as the baseline of another: its errors and flips as its summary has them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from roadworthy.baselines.base import Baseline, identity
from roadworthy.errors import UsageError
from roadworthy.stress.reference import clean_of, is_clean

LARGEST = 256 * 2**20
_Who = tuple[str, str]
_Values = dict[tuple[str, str, str], float]
"""(stress, variant, metric) -> value."""


def read_run(name: str, path: Path, stresses: Sequence[str]) -> Baseline:
    """Return the one model of a run that has all ``stresses``, as a baseline called ``name``.

    Raises UsageError for a file that is no summary, and for a run in which no model, or more than
    one, has them all.
    """
    judged = _judged(path / "summary.json" if path.is_dir() else path)
    made = {who: _baseline(name, who, values, stresses) for who, values in judged.items()}
    if not made:
        raise UsageError(f"baseline {name}: the run has no results")
    fitting = {who: one for who, one in made.items() if not _missing(one, stresses)}
    if len(fitting) == 1:
        return next(iter(fitting.values()))
    if fitting:
        several = ", ".join(" on ".join(who) for who in fitting)
        raise UsageError(
            f"baseline {name}: {len(fitting)} of its models have these stresses ({several}); "
            f"keep the one to compare with in a run of its own"
        )
    who, nearest = min(made.items(), key=lambda item: len(_missing(item[1], stresses)))
    missing = _missing(nearest, stresses)
    raise UsageError(
        f"{missing[0]} ({' on '.join(who)}; {len(missing)} of {len(stresses)} missing)"
    )


def _missing(one: Baseline, stresses: Sequence[str]) -> list[str]:
    reasons = []
    for stress in stresses:
        try:
            one.check_has(stress)
        except UsageError as error:
            reasons.append(str(error))
    return reasons


def _judged(path: Path) -> dict[_Who, _Values]:
    """Return the metrics of each model on each data set; rows that cannot be read are left out."""
    found: dict[_Who, _Values] = {}
    for row in _rows(path):
        if not isinstance(row, Mapping):
            continue
        if row.get("source") not in (None, row.get("model")):
            continue  # what was made for another model
        texts = [row.get(key) for key in ("model", "data", "stress", "variant", "metric")]
        value = row.get("value")
        if all(isinstance(text, str) for text in texts) and isinstance(value, int | float):
            model, data, stress, variant, metric = map(str, texts)
            found.setdefault((model, data), {})[stress, variant, metric] = float(value)
    return found


def _rows(path: Path) -> list[Any]:
    try:
        if path.stat().st_size > LARGEST:
            raise UsageError(f"baseline {path} is too large for a summary")
        summary = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(
            f"baseline {path} is not the summary of a run ({type(error).__name__}); "
            f"give the folder that `roadworthy run -o` wrote"
        ) from None
    rows = summary.get("rows") if isinstance(summary, dict) else None
    if not isinstance(rows, list):
        raise UsageError(f"baseline {path} is not the summary of a run: it has no rows")
    return rows


def _baseline(name: str, who: _Who, values: _Values, stresses: Sequence[str]) -> Baseline:
    errors: dict[str, dict[int, float]] = {}
    listed: dict[str, dict[str, float]] = {"flip_probability": {}, "t5d": {}}
    for (stress, variant, metric), value in values.items():
        level, _, number = variant.partition("=")
        if metric == "top1" and level == "severity" and number.isdigit():
            errors.setdefault(_key(stress), {})[int(number)] = 100 - value
        elif metric in listed:
            listed[metric][_key(stress)] = value
    clean = {clean_of(stress) for stress in stresses} or {s for s, _, _ in values if is_clean(s)}
    right = [values[stress, "", "top1"] for stress in clean if (stress, "", "top1") in values]
    return Baseline(
        name=name,
        source=" on ".join(who),
        exact=True,
        clean_error=100 - right[0] if len(right) == 1 else None,
        errors=errors,
        flips=listed["flip_probability"],
        top5_distances=listed["t5d"],
    )


def _key(stress: str) -> str:
    try:
        return identity(stress)
    except UsageError:  # a stress that was never ours
        return stress
