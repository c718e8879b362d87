"""Suites: named, versioned lists of stresses, one YAML file each."""

from __future__ import annotations

from collections.abc import Iterable

from roadworthy.errors import UsageError, did_you_mean
from roadworthy.spec import Spec, parse
from roadworthy.stress import STRESSES
from roadworthy.stress.bound import Stress, stress
from roadworthy.suites.base import Suite, suites
from roadworthy.suites.bound import BoundSuite, bound_suite
from roadworthy.suites.profiled import bound_profile, is_profile

__all__ = ["DEFAULT_SUITE", "BoundSuite", "Suite", "expand", "is_suite", "resolve", "suites"]

DEFAULT_SUITE = "quick"


def resolve(texts: Iterable[str | Spec | Stress]) -> tuple[list[Stress], list[BoundSuite]]:
    """Resolve names into stresses, each once, in the order given, and the suites among them.

    Raises UsageError for a name that is neither a stress nor a suite, with the nearest one.
    """
    found: dict[str, Stress] = {}
    asked: dict[str, BoundSuite] = {}
    for text in texts:
        one = _resolved(text)
        if isinstance(one, BoundSuite):
            asked.setdefault(one.spec, one)
        for member in one.stresses if isinstance(one, BoundSuite) else (one,):
            found.setdefault(member.digest, member)
    return list(found.values()), list(asked.values())


def is_suite(text: str | Spec | Stress) -> bool:
    """Whether a name, as it may be given to `resolve`, is that of a suite."""
    spec = parse(text) if isinstance(text, str) else text
    return isinstance(spec, Spec) and (is_profile(spec) or spec.name in suites())


def expand(texts: Iterable[str | Spec | Stress]) -> list[Stress]:
    """Resolve stresses and suites into stresses, each once, in the order given."""
    return resolve(texts)[0]


def _resolved(text: str | Spec | Stress) -> Stress | BoundSuite:
    if isinstance(text, Stress):
        return text
    spec = parse(text) if isinstance(text, str) else text
    if is_profile(spec):
        return bound_profile(spec)
    if spec.name in suites():
        return bound_suite(spec, suites()[spec.name])
    if spec.name not in STRESSES:
        known = [*STRESSES, *suites()]
        raise UsageError(
            f"no stress or suite is called '{spec.name}'{did_you_mean(spec.name, known)} "
            f"(`roadworthy ls stresses` and `roadworthy ls suites` show every name)"
        )
    return stress(spec)
