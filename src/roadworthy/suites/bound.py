"""A suite as asked for: its stresses in the frame and the store of its protocol, or of another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from roadworthy.binding import bind, canonical
from roadworthy.errors import UsageError
from roadworthy.pipeline.published import FrameName
from roadworthy.profiles.base import Profile
from roadworthy.registry import Parameter
from roadworthy.spec import Range, Spec, Sweep, format_value, parse
from roadworthy.stress.bound import Stress, stress
from roadworthy.suites.base import Suite
from roadworthy.suites.budgets import members_of_budget, parameters_of_budgets
from roadworthy.suites.generators.base import Derive, Following, Kind, Members, SuiteDefinition

SWEPT = frozenset({"severity", "eps", "target"})
ALL = ("1..5", "[1, 2, 3, 4, 5]")


@dataclass(frozen=True)
class BoundSuite:
    """A suite with its parameters settled.

    ``baseline`` names what errors are divided by; where it is None, ``without_baseline`` says why.
    ``factors`` has the members by what they change; ``following`` says which stresses the results ask
    for, ``derive`` which models are made of each. A suite of conditions has a ``profile``.
    """

    spec: str
    name: str
    version: int
    kind: Kind | None
    headline: str | None
    baseline: str | None
    without_baseline: str
    stresses: tuple[Stress, ...]
    factors: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    following: Following | None = None
    profile: Profile | None = None
    derive: Derive | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return what the records of a run say of the suite."""
        return {
            "spec": self.spec,
            "name": self.name,
            "version": self.version,
            "kind": self.kind,
            "headline": self.headline,
            "baseline": self.baseline,
            "why_no_baseline": self.without_baseline,
            "stresses": [one.spec for one in self.stresses],
            "factors": {name: list(members) for name, members in self.factors.items()},
            **({} if self.profile is None else {"profile": self.profile.as_dict()}),
            "derives": self.derive is not None,
        }


def bound_suite(spec: Spec, suite: Suite) -> BoundSuite:
    """Settle a suite: ``imagenet_c``, ``imagenet_c(store=none, severity=[1, 3])``.

    A suite with a protocol takes ``frame``, ``store`` and ``baseline``; one of corruptions also
    ``severity``, one of sequences ``difficulty``; one with budgets takes ``budget`` and what is set
    there. Another frame, store, severity or difficulty than the published one has no published
    baseline. Raises UsageError for anything else.
    """
    if suite.definition is not None:
        return _generated(spec, suite.definition)
    parameters = parameters_of_suite(suite)
    label = f"suite '{suite.name}'"
    if spec.path is not None or ((spec.params or spec.args) and not parameters):
        raise UsageError(f"{label} takes no parameters; write just '{suite.name}'")
    values = bind(spec, parameters, kind=label, sweep=SWEPT)
    settled = dict(values)
    if _text(settled.get("severity")) in ALL:
        settled["severity"] = None
    baseline = settled.pop("baseline", None)
    published = _published(suite)
    changed = [name for name in published if _text(settled[name]) != _text(published[name])]
    why = "" if baseline else suite.without_baseline
    if changed and baseline == suite.baseline and baseline is not None:
        baseline, why = None, _why(suite, changed[0], settled[changed[0]])
    return BoundSuite(
        spec=str(canonical(spec, parameters, kind=label, sweep=SWEPT)),
        name=suite.name,
        version=suite.version,
        kind=suite.kind,
        headline=suite.headline if baseline or suite.baseline is None else "mean_error",
        baseline=baseline,
        without_baseline=why,
        stresses=tuple(map(stress, _members(suite, settled))),
    )


def _generated(spec: Spec, definition: SuiteDefinition) -> BoundSuite:
    parameters, label = definition.parameters, f"suite '{definition.name}'"
    if spec.path is not None:
        raise UsageError(f"{label} takes no path; write '{definition.name}(...)'")
    sweep = definition.swept
    values = bind(spec, parameters, kind=label, sweep=sweep)
    members: Members = definition.function(**values)
    factors = {name: tuple(map(stress, specs)) for name, specs in members.factors.items()}
    return BoundSuite(
        spec=str(canonical(spec, parameters, kind=label, sweep=sweep)),
        name=definition.name,
        version=definition.version,
        kind=definition.kind,
        headline=definition.headline,
        baseline=None,
        without_baseline="differences are taken against the same images as the model reads them",
        stresses=tuple(one for own in factors.values() for one in own),
        factors={name: tuple(one.spec for one in own) for name, own in factors.items()},
        following=members.following,
        derive=members.derive,
    )


def _members(suite: Suite, settled: Mapping[str, Any]) -> list[Spec]:
    if suite.budgets:
        return members_of_budget(suite, settled)
    return [_member(text, settled) for text in suite.stresses]


def _published(suite: Suite) -> dict[str, Any]:
    kept = None if suite.store is None else parse(suite.store)
    if suite.kind == "systematic":
        return {}
    level = {"severity": None} if suite.kind == "corruptions" else {"difficulty": 1}
    return {**level, "frame": suite.frame, "store": kept} if suite.kind else {}


def parameters_of_suite(suite: Suite) -> tuple[Parameter, ...]:
    """Return what may be given to a suite in brackets; nothing where it has no protocol."""
    if suite.definition is not None:
        return suite.definition.parameters
    if suite.budgets:
        return parameters_of_budgets(suite)
    types: dict[str, Any] = {
        "severity": int | None,
        "difficulty": int,
        "frame": FrameName,
        "store": Spec | None,
    }
    own = [Parameter(name, types[name], value) for name, value in _published(suite).items()]
    return (*own, Parameter("baseline", str | None, suite.baseline)) if own else ()


def _member(text: str, settled: Mapping[str, Any]) -> Spec:
    spec = parse(text)
    own = dict(spec.params)
    given = [(n, v) for n, v in settled.items() if n not in own and v is not None]
    return Spec(spec.name, spec.args, (*spec.params, *given), spec.path)


def _why(suite: Suite, name: str, value: Any) -> str:
    published = "1..5" if name == "severity" else _text(_published(suite)[name])
    return (
        f"baseline {suite.baseline} is of {name}={published}, not of {name}={_text(value)}; "
        f"name a run of your own with baseline=DIR"
    )


def _text(value: Any) -> str:
    if isinstance(value, Range | Sweep):
        return format_value(value)
    return "none" if value is None else str(value)
