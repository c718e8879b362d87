"""Suites: named, versioned lists of stresses, one YAML file each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from roadworthy.errors import UsageError, did_you_mean
from roadworthy.spec import Spec, parse
from roadworthy.stress import STRESSES
from roadworthy.stress.bound import Stress, stress

DEFAULT_SUITE = "quick"


@dataclass(frozen=True)
class Suite:
    """A named list of stresses; the version changes when the list does."""

    name: str
    summary: str
    version: int
    stresses: tuple[str, ...]


@cache
def suites() -> dict[str, Suite]:
    """Return every suite by name."""
    found = {}
    for path in sorted(Path(__file__).parent.glob("*.yaml")):
        value = yaml.safe_load(path.read_text(encoding="utf-8"))
        found[path.stem] = Suite(
            path.stem, value["summary"], value["version"], tuple(value["stresses"])
        )
    return found


def expand(texts: Iterable[str | Spec | Stress]) -> list[Stress]:
    """Resolve stresses and suites into stresses, each once, in the order given.

    Raises UsageError for a name that is neither, with the nearest one.
    """
    found: dict[str, Stress] = {}
    for text in texts:
        for one in _resolved(text):
            found.setdefault(one.digest, one)
    return list(found.values())


def _resolved(text: str | Spec | Stress) -> list[Stress]:
    if isinstance(text, Stress):
        return [text]
    spec = parse(text) if isinstance(text, str) else text
    if spec.name in suites():
        if spec.args or spec.params or spec.path is not None:
            raise UsageError(f"suite '{spec.name}' takes no parameters; write just '{spec.name}'")
        return [stress(member) for member in suites()[spec.name].stresses]
    if spec.name not in STRESSES:
        known = [*STRESSES, *suites()]
        raise UsageError(
            f"no stress or suite is called '{spec.name}'{did_you_mean(spec.name, known)} "
            f"(`roadworthy ls stresses` and `roadworthy ls suites` show every name)"
        )
    return [stress(spec)]
