"""Operating profiles from YAML."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from roadworthy import _yaml
from roadworthy.errors import UsageError, did_you_mean
from roadworthy.profiles.base import DISTANCE, Condition, Profile
from roadworthy.profiles.costs import read_costs
from roadworthy.profiles.short import probability_of, split_line, stress_of
from roadworthy.stress.bound import stress

KEYS = ("name", "conditions", "distance", "costs")
OF_CONDITION = ("stress", "probability", "between")
CLOSE = 1e-6
LARGEST = 2**20


def read_profile(path: Path) -> Profile:
    """Read a profile; raises UsageError naming the file and the key that is wrong.

    Conditions are lines such as ``night: gaussian_noise 2 + motion_blur 1, 12 %`` or have keys:
    ``stress``, ``probability`` and ``between``, the range that is plausible. Every stress must have
    one variant, and the probabilities must sum to one.
    """
    where = f"the profile '{path}'"
    value = _plain(path, where)
    _check_keys(value, KEYS, where)
    given = value.get("conditions")
    if not isinstance(given, Mapping) or not given:
        raise UsageError(f"{where}: 'conditions' must name conditions, such as 'day: clean, 60 %'")
    conditions = tuple(
        _condition(str(name), one, f"{where}: condition '{name}'") for name, one in given.items()
    )
    total = math.fsum(one.probability for one in conditions)
    if abs(total - 1) > CLOSE:
        each = ", ".join(f"{one.name} {100 * one.probability:g} %" for one in conditions)
        raise UsageError(
            f"{where}: the probabilities sum to {total:.6g} ({100 * total:.6g} %), not to 1: {each}"
        )
    costs = value.get("costs")
    return Profile(
        name=str(value.get("name", path.stem)),
        conditions=conditions,
        distance=probability_of(value.get("distance", DISTANCE), f"{where}: distance"),
        costs=None if costs is None else read_costs(costs, path.parent, f"{where}: costs"),
    )


def _plain(path: Path, where: str) -> Mapping[str, Any]:
    try:
        if path.stat().st_size > LARGEST:
            raise UsageError(f"{where} is larger than {LARGEST >> 20} MB")
        value = _yaml.load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read {where}: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"cannot read {where}: {error}") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise UsageError(f"{where} is not valid YAML: {error}") from None
    if not isinstance(value, Mapping):
        raise UsageError(f"{where} must hold keys and values: 'conditions', maybe 'costs'")
    return value


def _condition(name: str, value: Any, where: str) -> Condition:
    if isinstance(value, str):
        line = split_line(value, where)
        value = {"stress": line[0], "probability": line[1]}
    if not isinstance(value, Mapping):
        raise UsageError(f"{where}: expected a line such as 'fog 3, 10 %', or keys and values")
    _check_keys(value, OF_CONDITION, where)
    for key in ("stress", "probability"):
        if key not in value:
            raise UsageError(f"{where}: has no '{key}'")
    probability = probability_of(value["probability"], f"{where}: probability")
    low, high = _between(value.get("between"), where)
    if not low <= probability <= high:
        raise UsageError(
            f"{where}: the probability {probability:g} is not between {low:g} and {high:g}"
        )
    return Condition(name, _one_variant(str(value["stress"]), where), probability, low, high)


def _between(value: Any, where: str) -> tuple[float, float]:
    if value is None:
        return 0.0, 1.0
    if not isinstance(value, list) or len(value) != 2:
        raise UsageError(f"{where}: between: expected two probabilities, such as [5 %, 20 %]")
    low, high = (probability_of(one, f"{where}: between") for one in value)
    return low, high


def _one_variant(text: str, where: str) -> str:
    try:
        found = stress(stress_of(text))
    except UsageError as error:
        raise UsageError(f"{where}: {error}") from None
    if len(found.settings) != 1:
        raise UsageError(
            f"{where}: '{found.spec}' has {len(found.settings)} variants; a condition is one, "
            f"for example {found.name}({found.settings[0].key})"
        )
    return found.spec


def _check_keys(value: Mapping[Any, Any], known: tuple[str, ...], where: str) -> None:
    for key in value:
        if key not in known:
            raise UsageError(f"{where}: there is no key '{key}'{did_you_mean(str(key), known)}")
