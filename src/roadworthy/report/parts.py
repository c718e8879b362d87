"""Which part of which stored benchmark a data set is, told by its spec alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from roadworthy.baselines.base import SEVERITIES
from roadworthy.data.stored import CORRUPTIONS, PERTURBATIONS, live_name
from roadworthy.spec import Spec, SpecError, Sweep, parse
from roadworthy.suites.base import Suite, suites

_PUBLISHED = {"corruptions": CORRUPTIONS, "sequences": PERTURBATIONS}
_NAMED = {"corruptions": "corruptions", "sequences": "perturbations"}


@dataclass(frozen=True)
class Part:
    """One corruption at one severity, or the films of one perturbation, of the set ``whole``."""

    whole: str
    name: str
    severity: int | None = None


@dataclass(frozen=True)
class Content:
    """The parts that a run has of one stored set: severities by the name of the corruption."""

    whole: str
    severities: Mapping[str, tuple[int, ...]]

    @property
    def suite(self) -> Suite:
        """The suite that the set is the stored form of."""
        return suites()[parse(self.whole).name]

    @property
    def published(self) -> tuple[str, ...]:
        """Names of what the published mean is over."""
        return _PUBLISHED[self.suite.kind or ""]

    @property
    def names(self) -> list[str]:
        """Names of what is there, the published ones first in their order."""
        order = {name: place for place, name in enumerate(self.published)}
        return sorted(self.severities, key=lambda name: (order.get(name, len(order)), name))

    @property
    def data(self) -> str:
        """The spec of what is there: that of the whole set where nothing is missing."""
        spec = parse(self.whole)
        params: list[tuple[str, object]] = []
        if self.names != list(self.published):
            params.append((_NAMED[self.suite.kind or ""], _listed(self.names)))
        found = sorted({level for levels in self.severities.values() for level in levels})
        if found and found != list(SEVERITIES):
            params.append(("severities", _listed(found)))
        return str(Spec(spec.name, spec.args, (*params, *spec.params), spec.path))  # type: ignore[arg-type]

    def stress(self, name: str) -> str:
        """Return the stress, in the published frame and store, that made the pictures of a part."""
        levels, suite = self.severities[name], self.suite
        given = [] if levels in ((), SEVERITIES) else [f"severity={_text(levels)}"]
        if suite.kind == "sequences":
            difficulty = dict(parse(self.whole).params).get("difficulty", 1)
            given += [] if difficulty == 1 else [f"difficulty={difficulty}"]
        given.append(f"frame={suite.frame}")
        given += [] if suite.store is None else [f"store={suite.store}"]
        return f"{live_name(name) if suite.kind == 'sequences' else name}({', '.join(given)})"

    def lacking(self, name: str) -> str:
        """Return which severities of a corruption that is there are missing, as a clause."""
        levels = self.severities[name]
        missing = [str(level) for level in SEVERITIES if levels and level not in levels]
        plural = "severities" if len(missing) > 1 else "severity"
        return f"{name} lacks {plural} {', '.join(missing)}" if missing else ""

    @property
    def missing(self) -> str:
        """What the published mean is over and this has not, as a clause; empty if it is whole."""
        absent = [name for name in self.published if name not in self.severities]
        parts = [f"{', '.join(absent)} missing"] if absent else []
        there = [name for name in self.published if name in self.severities]
        return "; ".join([*parts, *filter(None, map(self.lacking, there))])


@lru_cache(maxsize=4096)
def part_of(data: str) -> Part | None:
    """Return which part of a stored benchmark a data set is; None for every other data set."""
    try:
        spec = parse(data)
    except SpecError:
        return None
    suite = suites().get(spec.name)
    if suite is None or suite.kind not in _NAMED or spec.path is None:
        return None
    params = dict(spec.params)
    name, severity = params.pop(_NAMED[suite.kind], None), params.pop("severities", None)
    if not isinstance(name, str) or (suite.kind == "corruptions" and not isinstance(severity, int)):
        return None
    whole = Spec(spec.name, spec.args, tuple(params.items()), spec.path)
    return Part(str(whole), name, severity if isinstance(severity, int) else None)


def is_whole(data: str) -> bool:
    """Whether a data set is a stored benchmark, or several of its parts together."""
    suite = suites().get(data.partition(":")[0])
    return suite is not None and suite.kind in _NAMED and part_of(data) is None


def _listed(values: Sequence[object]) -> object:
    return values[0] if len(values) == 1 else Sweep(tuple(values))  # type: ignore[arg-type]


def _text(levels: Sequence[int]) -> str:
    return str(levels[0]) if len(levels) == 1 else f"[{', '.join(map(str, levels))}]"
