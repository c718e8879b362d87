"""What errors are divided by: the errors, flips and distances of one model under many stresses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeVar

from roadworthy.errors import UsageError
from roadworthy.spec import Range, Spec, Sweep, parse

SEVERITIES = (1, 2, 3, 4, 5)
_PROTOCOL = frozenset({"severity", "difficulty", "frame", "store"})
ValueT = TypeVar("ValueT")


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """One model's errors by corruption and severity, and flips and distances by sequence.

    All in percent, distances apart. A published table (``exact`` False) has the names of stresses
    as keys and says in which ``frame`` and ``store`` it was measured; a baseline read from a run
    has whole specs, without their severities. ``source`` says where the numbers are from.
    """

    name: str
    version: int = 1
    source: str = ""
    frame: str = "own"
    store: str | None = None
    exact: bool = False
    clean_error: float | None = None
    errors: Mapping[str, Mapping[int, float]] = field(default_factory=dict)
    flips: Mapping[str, float] = field(default_factory=dict)
    top5_distances: Mapping[str, float] = field(default_factory=dict)

    def errors_of(self, stress: str) -> tuple[float, ...]:
        """Return the errors at the severities of a corruption; raises UsageError without them."""
        known, wanted = self._of(self.errors, stress, "errors"), severities_of(stress)
        missing = [severity for severity in wanted if severity not in known]
        if missing:
            raise UsageError(
                f"baseline {self.name} has no error of {identity(stress)} at severity {missing[0]}"
            )
        return tuple(known[severity] for severity in wanted)

    def flips_of(self, stress: str) -> float:
        """Return the flip probability of a sequence; raises UsageError without it."""
        return self._of(self.flips, stress, "flip probability")

    def top5_distance_of(self, stress: str) -> float:
        """Return the top-5 distance of a sequence; raises UsageError without it."""
        return self._of(self.top5_distances, stress, "top-5 distance")

    def check_has(self, stress: str) -> None:
        """Raise UsageError unless the results of a corruption or a sequence are here."""
        self._of(dict.fromkeys((*self.errors, *self.flips)), stress, "results")
        if self._key(stress) in self.errors:
            self.errors_of(stress)

    def check(self, stress: str) -> None:
        """Raise UsageError unless a published table is of ``stress`` as it is: frame, store, all."""
        params = dict(parse(stress).params)
        own = sorted(set(params) - _PROTOCOL)
        if own:
            raise UsageError(f"{stress} is not the published one: it says {own[0]} itself")
        there = {"frame": self.frame, "store": _kept(self.store), "difficulty": "1"}
        here = {
            "frame": str(params.get("frame", "own")),
            "store": _kept(params.get("store")),
            "difficulty": str(params.get("difficulty", 1)),
        }
        for name, value in here.items():
            if value != there[name]:
                raise UsageError(
                    f"baseline {self.name} is of {name}={there[name]}, but {stress} has "
                    f"{name}={value}; name a run of your own with baseline=DIR"
                )

    def _of(self, values: Mapping[str, ValueT], stress: str, kind: str) -> ValueT:
        key = self._key(stress)
        if key not in values:
            named = parse(stress).name
            others = [known for known in values if parse(known).name == named]
            found = f", only of {others[0]}" if others else ""
            raise UsageError(f"baseline {self.name} has no {kind} of {key}{found}")
        if not self.exact:
            self.check(stress)
        return values[key]

    def _key(self, stress: str) -> str:
        return identity(stress) if self.exact else parse(stress).name


def severities_of(stress: str) -> tuple[int, ...]:
    """Return the severities that the spec of a corruption asks for, all five where it is silent.

    Empty for a corruption whose strength is given by name.
    """
    params = dict(parse(stress).params)
    given = params.get("severity")
    if given is None:
        return () if set(params) - _PROTOCOL else SEVERITIES
    if isinstance(given, Range):
        return tuple(s for s in SEVERITIES if given.low <= s <= given.high)
    listed = given.values if isinstance(given, Sweep) else (given,)
    return tuple(severity for severity in listed if isinstance(severity, int))


def identity(stress: str) -> str:
    """Return a spec without its severity: what makes two corruptions the same at all severities."""
    spec = parse(stress)
    rest = tuple((name, value) for name, value in spec.params if name != "severity")
    return str(Spec(spec.name, spec.args, rest, spec.path))


def _kept(store: object) -> str:
    """Return one text for every way to write a store, ``none`` where frames are kept as they are."""
    return "none" if store is None else _canonical(str(store))


@lru_cache
def _canonical(store: str) -> str:
    from roadworthy.stores import store as resolved

    try:
        return resolved(store).spec
    except UsageError:  # a package that writes the format is missing here, which changes nothing
        return store
