"""Metrics of a whole suite: what they see, how they are registered, and all of them at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from functools import cache, wraps
from typing import Any, Literal, TypeVar

import polars as pl

from roadworthy.baselines.base import Baseline
from roadworthy.errors import UsageError
from roadworthy.metrics.base import FRACTIONS, Contributions, Estimate, Statistic
from roadworthy.metrics.catalogue import definitions
from roadworthy.metrics.samples import Weighted
from roadworthy.profiles.base import Profile
from roadworthy.registry import Definition
from roadworthy.stress.reference import is_clean

Kind = Literal["corruptions", "sequences", "attacks", "systematic", "profile"]
KINDS: tuple[Kind, ...] = ("profile", "attacks", "systematic", "sequences", "corruptions")
"""Kinds of suites; of metrics with one name, that of the later kind stands for both."""

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class SuiteCells:
    """All cells of one suite for one model on one data set, of which metrics see usable rows only.

    ``stresses`` are the specs of the suite's members; ``rows`` has the records of those that were
    judged, ``clean`` the records of the unstressed images in the same frame. Where ``baseline`` is
    None, ``why_no_baseline`` says why; ``why_no_clean`` may say why ``clean`` is None. Where members
    change several things, ``factors`` has the members by what they change. Where they are conditions,
    ``profile`` says how often they are met, and ``names`` what the classes are called.
    """

    stresses: Sequence[str]
    rows: Mapping[str, pl.DataFrame]
    clean: pl.DataFrame | None = None
    baseline: Baseline | None = None
    why_no_baseline: str = ""
    why_no_clean: str = ""
    factors: Mapping[str, Sequence[str]] = field(default_factory=dict)
    profile: Profile | None = None
    names: Sequence[str] = ()
    _seen: dict[tuple[Any, ...], Any] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def members(self, names: Iterable[str] = ()) -> list[str]:
        """Return the members called ``names``; all members where the suite has not all of these."""
        wanted = set(names)
        own = [stress for stress in self.stresses if not is_clean(stress)]
        found = [stress for stress in own if name_of(stress) in wanted]
        return found if wanted and wanted <= set(map(name_of, found)) else own

    def parts(self) -> dict[str, SuiteCells]:
        """Return the whole suite under "" and, if there are several, its factors as suites by key."""
        several = self.factors if len(self.factors) > 1 else {}
        own = {f"factor={n}": replace(self, stresses=s, factors={}) for n, s in several.items()}
        return {"": self} | {
            key: cells for key, cells in own.items() if set(cells.stresses) & set(self.rows)
        }

    def reference(self) -> Baseline:
        """Return the baseline; raises UsageError with the reason where there is none."""
        if self.baseline is None:
            raise UsageError(self.why_no_baseline or "this suite has no baseline")
        return self.baseline

    def seen(self, view: Callable[..., T], stress: str, *more: Any) -> T:
        """Return ``view(records of a member, *more)``, done once for all metrics of the suite.

        Raises UsageError where there are no records.
        """
        if stress not in self.rows or self.rows[stress].is_empty():
            raise UsageError(f"{name_of(stress)} has no results")
        key = (view, stress, *more)
        if key not in self._seen:
            self._seen[key] = view(self.rows[stress], *more)
        found: T = self._seen[key]
        return found


@dataclass(frozen=True, kw_only=True)
class SuiteMetricDefinition(Definition):
    """A metric over all members of suites of one ``kind``.

    The function takes `SuiteCells`, with ``each`` also the spec of one member, and returns an
    Estimate, or None where the suite is not of the sort. It raises UsageError with the reason where
    it would apply but for something that is missing. ``contributions`` takes the same and raises the
    same, see `MetricDefinition`.
    """

    unit: Literal["percent", "nats", "points", "none"]
    direction: Literal["higher", "lower", "neutral"]
    kind: Kind
    each: bool = False
    ratio: bool = False
    contributions: Contributions | None = None
    statistic: Statistic = "mean"

    @property
    def bounds(self) -> str:
        """What bounds its intervals, for ``widened``: the unit, or nothing for a ratio of percents."""
        return "none" if self.ratio else self.unit


def suite_metric(
    *,
    unit: Literal["percent", "nats", "points", "none"],
    direction: Literal["higher", "lower", "neutral"],
    kind: Kind,
    each: bool = False,
    ratio: bool = False,
    version: int = 1,
    paper: str | None = "hendrycks2019",
    contributions: Contributions | None = None,
    statistic: Statistic = "mean",
) -> Callable[[Callable[..., Any]], SuiteMetricDefinition]:
    """Register a metric of suites of one ``kind``; ``each`` gives a value to every member.

    A ``ratio`` to a baseline may be more than 100 percent. A function that returns a `Weighted` sum
    of means needs no ``contributions``.
    """

    def decorate(function: Callable[..., Any]) -> SuiteMetricDefinition:
        return SuiteMetricDefinition(
            name=function.__name__,
            function=_estimating(function),
            parameters=(),
            version=version,
            paper=paper,
            unit=unit,
            direction=direction,
            kind=kind,
            each=each,
            ratio=ratio,
            contributions=contributions or _contributing(function, unit),
            statistic=statistic,
        )

    return decorate


def _estimating(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def estimating(*given: Any) -> Any:
        found = function(*given)
        return found.estimate() if isinstance(found, Weighted) else found

    return estimating


def _contributing(function: Callable[..., Any], unit: str) -> Contributions:
    def contributing(*given: Any) -> pl.DataFrame | None:
        found = function(*given)
        if not isinstance(found, Weighted):
            return None
        return found.contributions(unit=100.0 if unit in FRACTIONS else 1.0)

    return contributing


@dataclass(frozen=True)
class SuiteResult:
    """A metric of a suite: of the member ``stress``, of the whole suite where that is None.

    Of a suite, ``variant`` may say of which of its factors. Where it could not be measured the
    estimate has no value, and ``reason`` says why. ``given`` is what the metric was given.
    """

    definition: SuiteMetricDefinition
    stress: str | None
    estimate: Estimate
    reason: str = ""
    variant: str = ""
    given: tuple[Any, ...] = field(default=(), repr=False, compare=False)

    def contributions(self) -> pl.DataFrame | None:
        """Return what each sample contributes; None where the metric does not say."""
        found = self.definition.contributions
        return None if found is None or self.reason else found(*self.given)


@cache
def suite_metrics(kind: str | None) -> dict[str, SuiteMetricDefinition]:
    """Return the metrics of suites of a kind by name, sorted; a name may exist for both kinds."""
    found = {d.name: d for d in definitions(SuiteMetricDefinition) if d.kind == kind}
    return dict(sorted(found.items()))


@cache
def whole_metrics() -> dict[str, SuiteMetricDefinition]:
    """Return the metrics over a suite as a whole by name; of two kinds alike, that of corruptions."""
    return {n: d for kind in KINDS for n, d in suite_metrics(kind).items() if not d.each}


def named_suite_metrics() -> dict[str, SuiteMetricDefinition]:
    """Return all metrics of suites by name; where two kinds share a name, that of corruptions."""
    return {n: d for kind in KINDS for n, d in suite_metrics(kind).items()}


def evaluate_suite(
    kind: str | None, cells: SuiteCells, *, pool: Executor | None = None
) -> list[SuiteResult]:
    """Return every metric that applies to a suite of ``kind``, or would but for what is missing.

    The threads of a ``pool`` share the work.
    """
    judged = [stress for stress in cells.members() if stress in cells.rows]
    each: list[tuple[str | None, str, tuple[Any, ...]]] = [(s, "", (cells, s)) for s in judged]
    whole = [(None, key, (part,)) for key, part in cells.parts().items()]
    asked = [
        (definition, *one)
        for definition in suite_metrics(kind).values()
        for one in (each if definition.each else whole)
    ]
    found = pool.map(_result, asked) if pool else map(_result, asked)
    return [result for result in found if result is not None]


def _result(
    asked: tuple[SuiteMetricDefinition, str | None, str, tuple[Any, ...]],
) -> SuiteResult | None:
    definition, stress, variant, given = asked
    try:
        found = definition.function(*given)
    except UsageError as error:
        nothing = Estimate(None, None, None, 0)
        return SuiteResult(definition, stress, nothing, str(error), variant)
    if found is None:
        return None
    return SuiteResult(definition, stress, found, variant=variant, given=given)


def suite_estimate(
    name: str,
    rows_by_stress: Mapping[str, pl.DataFrame],
    clean: pl.DataFrame | None = None,
    baseline: Baseline | None = None,
    *,
    kind: str | None = None,
    profile: Profile | None = None,
    names: Sequence[str] = (),
) -> Estimate | None:
    """Return one metric over a whole suite, for ``--until``; None where it cannot be measured.

    ``rows_by_stress`` has the usable records of every member by spec, ``clean`` those of the same
    frame unstressed; ``kind`` is that of the suite, where it is known, ``profile`` and ``names`` as in
    `SuiteCells`. Raises UsageError for a name that is no metric of a suite as a whole.
    """
    whole = {
        (d.kind, n): d
        for kind in reversed(KINDS)
        for n, d in suite_metrics(kind).items()
        if not d.each and n == name
    }
    if not whole:
        raise UsageError(f"'{name}' is not a metric of a whole suite")
    cells = SuiteCells(
        stresses=tuple(rows_by_stress),
        rows=rows_by_stress,
        clean=clean,
        baseline=baseline,
        profile=profile,
        names=names,
    )
    for definition in whole.values():
        if kind is not None and definition.kind != kind:
            continue
        try:
            found = definition.function(cells)
        except UsageError:
            continue
        if isinstance(found, Estimate) and found.value is not None:
            return found
    return None


def name_of(stress: str) -> str:
    """Return the name in front of the brackets of a spec."""
    return stress.partition("(")[0]
