"""Cost matrices: from a CSV or from YAML, and from class names to the outputs of a model."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from roadworthy.errors import UsageError, did_you_mean
from roadworthy.profiles.base import Costs, NamedCosts

MOST_PAIRS = 1_000_000
KEYS = ("right", "wrong", "pairs")


def read_costs(value: Any, folder: Path, where: str) -> Costs:
    """Return the costs that a profile gives: the name of a CSV beside it, or keys and values.

    Raises UsageError naming the place where something else stands.
    """
    if isinstance(value, str):
        path = folder / value
        return _from_csv(path, f"{where}: '{path}'")
    if not isinstance(value, Mapping):
        raise UsageError(
            f"{where}: expected the name of a CSV, or 'right', 'wrong' and 'pairs', not {value!r}"
        )
    for key in value:
        if key not in KEYS:
            raise UsageError(f"{where}: there is no key '{key}'{did_you_mean(str(key), KEYS)}")
    pairs = value.get("pairs") or {}
    if not isinstance(pairs, Mapping) or not all(isinstance(v, Mapping) for v in pairs.values()):
        raise UsageError(
            f"{where}: pairs are true classes with predicted ones and costs, such as "
            f"'cat: {{dog: 5}}'"
        )
    return Costs(
        _cost(value.get("right", 0), f"{where}: right"),
        _cost(value.get("wrong", 1), f"{where}: wrong"),
        tuple(
            (str(true), str(predicted), _cost(cost, f"{where}: {true}: {predicted}"))
            for true, own in pairs.items()
            for predicted, cost in own.items()
        ),
    )


def _from_csv(path: Path, where: str) -> Costs:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [row for row in csv.reader(file) if any(cell.strip() for cell in row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{where}: cannot be read: {error}") from None
    if len(rows) < 2 or len(rows[0]) < 2:
        raise UsageError(
            f"{where}: expected predicted classes in the first line, then a line for each true "
            f"class: its name, and a cost for each"
        )
    predicted = [cell.strip() for cell in rows[0][1:]]
    if len(rows) * len(predicted) > MOST_PAIRS:
        raise UsageError(f"{where}: has more than {MOST_PAIRS} costs")
    return Costs(pairs=tuple(_pairs(rows[1:], predicted, where)))


def _pairs(
    rows: Sequence[Sequence[str]], predicted: Sequence[str], where: str
) -> Iterator[tuple[str, str, float]]:
    for kind, names in (("true", [row[0].strip() for row in rows]), ("predicted", predicted)):
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise UsageError(f"{where}: the {kind} class '{twice}' is there twice")
    for row in rows:
        if len(row) != len(predicted) + 1:
            raise UsageError(
                f"{where}: the line of '{row[0]}' has {len(row) - 1} costs, not {len(predicted)}"
            )
        for name, cost in zip(predicted, row[1:], strict=True):
            yield row[0].strip(), name, _cost(cost, f"{where}: {row[0]}: {name}")


def _cost(value: Any, where: str) -> float:
    try:
        cost = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        cost = math.nan
    if not (math.isfinite(cost) and cost >= 0):
        raise UsageError(f"{where}: a cost is a number from 0 on, not {value!r}")
    return cost


def costs_of(costs: Costs, names: Sequence[str]) -> NamedCosts:
    """Return costs by the outputs of a model whose classes are called ``names``.

    A class is meant by its name, whatever the case, or by its index. Raises UsageError with the
    nearest name for one that the model does not have; it may have no names at all.
    """
    known: dict[str, int] = {}
    for index, name in enumerate(names):
        known.setdefault(name.lower(), index)
    pairs = {}
    for true, predicted, cost in costs.pairs:
        pairs[_index(true, known), _index(predicted, known)] = cost
    return NamedCosts(costs.right, costs.wrong, costs.highest, pairs)


def _index(name: str, known: Mapping[str, int]) -> int:
    if name.lower() in known:
        return known[name.lower()]
    if name.isdecimal() and (not known or int(name) < len(known)):
        return int(name)
    raise UsageError(
        f"costs: the model has no class '{name}'{did_you_mean(name, known)}"
        f"{'' if known else ' (it has no class names; give indices)'}"
    )
