"""A stress as asked for: its spec resolved, and one setting for each of its variants."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any, get_args

from roadworthy.binding import bind, canonical, resolved_digest
from roadworthy.errors import UsageError
from roadworthy.pipeline.published import FrameName
from roadworthy.spec import Range, Spec, Sweep, format_value, parse
from roadworthy.stores import store
from roadworthy.stores.base import Store
from roadworthy.stress import STRESSES
from roadworthy.stress.base import FRAME, STORE, StressDefinition
from roadworthy.stress.levels import check_difficulty, check_severity
from roadworthy.types import Need, Tap

MAX_VARIANTS = 1000
MEMBERS = "members"
"""The parameter of composed stresses that holds the specs of others."""
BY_ENGINE = frozenset({FRAME.name, STORE.name})


@dataclass(frozen=True)
class Setting:
    """One variant of a stress: its key in the records and the arguments that make it."""

    key: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True)
class Stress:
    """A stress bound to its parameters; ``digest`` covers all of them, defaults included.

    It acts in the frame named ``frame``; what it makes is kept in the format ``store`` and read
    again before it is judged. ``members`` are the stresses that it consists of.
    """

    definition: StressDefinition
    spec: str
    digest: str
    settings: tuple[Setting, ...]
    frame: FrameName = "own"
    store: Store | None = None

    members: tuple[Stress, ...] = ()

    @property
    def name(self) -> str:
        """Name of the definition."""
        return self.definition.name

    @property
    def needs(self) -> frozenset[Need]:
        """What it asks of a model, for itself or for its members."""
        ranking = self.definition.ranking
        own = [ranking.needs(s.arguments) for s in self.settings] if ranking else []
        return self.definition.needs.union(*own, *(member.needs for member in self.members))

    @property
    def most_classes(self) -> int | None:
        """Up to how many classes it makes sense, for itself or for its members; None if any."""
        known = [self.definition.most_classes, *(member.most_classes for member in self.members)]
        return min((limit for limit in known if limit is not None), default=None)


def stress(text: str | Spec | Stress) -> Stress:
    """Resolve the spec of a stress; raises UsageError for unknown names, parameters and values."""
    if isinstance(text, Stress):
        return text
    spec = parse(text) if isinstance(text, str) else text
    if spec.path is not None:
        raise UsageError(f"'{spec}': a stress takes no path; write '{spec.name}(...)'")
    definition = STRESSES.get(spec.name)
    sweep = frozenset(p.name for p in definition.parameters) - BY_ENGINE - {MEMBERS}
    values = bind(spec, definition.parameters, kind=f"stress '{spec.name}'", sweep=sweep)
    resolved: dict[str, Any] = {}
    members: tuple[Stress, ...] = ()
    if definition.composed:
        if definition.admits is not None:
            definition.admits(values)
        for member in values[MEMBERS]:
            _check_norm(member, values, outer=definition.name)
        members = tuple(stress(inherited(member, values)) for member in values[MEMBERS])
        pairs = zip(members, values[MEMBERS], strict=True)
        values[MEMBERS] = tuple(_own_text(one, asked, values) for one, asked in pairs)
        resolved = {MEMBERS: tuple(member.digest for member in members)}
        params = tuple(given for given in spec.params if given[0] != MEMBERS)
        spec = Spec(spec.name, values[MEMBERS], params)
    for parameter in definition.parameters:
        for resolve in filter(callable, getattr(parameter.type, "__metadata__", ())):
            name = parameter.name
            values[name], resolved[name] = _settled(values[name], resolve)
            spec = Spec(spec.name, (), tuple(values.items()))
    kept_as = None if values.get("store") is None else store(values["store"])
    if kept_as is not None:
        values["store"] = parse(kept_as.spec)
    level = definition.level
    if definition.levels is not None:
        level = _severity_or_strength(definition, values)
    arguments = {name: value for name, value in values.items() if name not in BY_ENGINE}
    text = str(canonical(spec, definition.parameters, kind="stress", sweep=sweep))
    settings = _settings(definition, level, arguments)
    return Stress(
        definition=definition,
        spec=text,
        digest=resolved_digest(definition.name, definition.version, {**values, **resolved}),
        settings=settings,
        frame=values.get("frame", FRAME.default),
        store=kept_as,
        members=members or _parts(definition, settings[0].arguments),
    )


def _settled(value: Any, resolve: Callable[..., Any]) -> tuple[Any, Any]:
    """Return the specs that a parameter holds as everyone writes them, and what they mean."""
    if isinstance(value, Sweep):
        texts, digests = zip(*(_settled(one, resolve) for one in value.values), strict=True)
        return Sweep(texts), Sweep(digests)
    found = resolve(value)
    if not isinstance(found, tuple):
        return found.spec, found.digest
    return tuple(one.spec for one in found), tuple(one.digest for one in found)


def _parts(definition: StressDefinition, arguments: Mapping[str, Any]) -> tuple[Stress, ...]:
    """Return the members that an attack settles itself."""
    if definition.parts is None:
        return ()
    return tuple(stress(inherited(part, arguments)) for part in definition.parts(arguments))


def _check_norm(member: Spec, whole: Mapping[str, Any], *, outer: str) -> None:
    """Raise UsageError if a member of the attack ``outer`` is not defined in a norm of the whole."""
    definition = STRESSES.get(member.name)
    types = {p.name: p.type for p in definition.parameters}
    if "norm" not in whole or "norm" not in types or "norm" in dict(member.params):
        return
    if definition.measures:
        raise UsageError(f"{outer}: '{member}' is no attack")
    has = get_args(types["norm"])
    for asked in _members(outer, "norm", whole["norm"]):
        if asked not in has:
            raise UsageError(
                f"{outer}: '{member}' is not defined in norm {asked}, only in {', '.join(has)}; "
                f"give {outer}(…, norm={has[0]}) or leave it out"
            )


def inherited(member: Spec, values: Mapping[str, Any]) -> Spec:
    """Return the spec of a member of an attack with the budget that it takes from ``values``.

    Of several budgets it is the first: what a member means does not depend on which.
    """
    if "norm" not in values:
        return member
    known = {p.name for p in STRESSES.get(member.name).parameters} - set(dict(member.params))
    given = []
    for name in ("eps", "norm"):
        if name in known and name in values:
            value = values[name]
            first = _members(member.name, name, value)[0]
            given.append((name, first))
    return Spec(member.name, member.args, (*member.params, *given), member.path)


def _own_text(member: Stress, asked: Spec, whole: Mapping[str, Any]) -> Spec:
    """Return the canonical spec of a member without what it only takes from the whole."""
    spec, own = parse(member.spec), dict(asked.params)
    if member.definition.tap is not Tap.INPUT:
        return spec
    kept = tuple((n, v) for n, v in spec.params if n in own or n not in ("eps", "norm"))
    # A norm that is the member's default may only be left unsaid where the whole says the same.
    if "norm" in own and "norm" not in dict(kept) and "norm" in whole:
        norm = member.settings[0].arguments["norm"]
        kept += () if norm == whole["norm"] else (("norm", norm),)
    return Spec(spec.name, spec.args, kept, spec.path)


def _settings(
    definition: StressDefinition, level: str | None, values: Mapping[str, Any]
) -> tuple[Setting, ...]:
    swept = [name for name in values if isinstance(values[name], (Range, Sweep))]
    named = list(dict.fromkeys([*([level] if level else []), *swept]))
    choices = [_members(definition.name, name, values[name]) for name in named]
    _check_count(definition.name, prod(len(members) for members in choices))
    settings = []
    for chosen in product(*choices):
        resolved = {**values, **dict(zip(named, chosen, strict=True))}
        arguments = {name: value for name, value in resolved.items() if value is not None}
        if definition.tables is not None:
            check_difficulty(arguments["difficulty"], stress=definition.name)
        if definition.check is not None:
            definition.check(arguments)
        key = ",".join(f"{n}={format_value(v)}" for n, v in zip(named, chosen, strict=True))
        settings.append(Setting(key, arguments))
    return tuple(settings)


def _severity_or_strength(definition: StressDefinition, values: dict[str, Any]) -> str:
    """Settle what a corruption is given by, a published severity or a strength; return its name."""
    assert definition.levels is not None
    strengths = [name for name in definition.levels.names if values[name] is not None]
    if not strengths:
        if values["severity"] is None:
            values["severity"] = Range(1, 5)
        for severity in _members(definition.name, "severity", values["severity"]):
            check_severity(severity, stress=definition.name)
        return "severity"
    if values["severity"] is not None:
        raise UsageError(f"{definition.name}: give either severity or {strengths[0]}, not both")
    missing = [name for name in definition.levels.names if values[name] is None]
    if missing:
        raise UsageError(
            f"{definition.name}: {strengths[0]} alone is not enough, give {missing[0]}"
        )
    return strengths[0]


def _check_count(stress: str, count: int) -> None:
    if count > MAX_VARIANTS:
        raise UsageError(f"{stress}: {count} variants; at most {MAX_VARIANTS}")


def _members(stress: str, name: str, value: Any) -> tuple[Any, ...]:
    if isinstance(value, Sweep):
        return value.values
    if isinstance(value, Range):
        if not (isinstance(value.low, int) and isinstance(value.high, int)):
            raise UsageError(
                f"{stress}: {name}={value} has no steps; list the values: {name}=[a, b, c]"
            )
        _check_count(stress, value.high - value.low + 1)
        return tuple(range(value.low, value.high + 1))
    return (value,)
