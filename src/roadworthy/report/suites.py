"""Metrics over whole suites, for the summary: what a run says of its suites, and their rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import polars as pl

from roadworthy.baselines import Baseline, load_baseline
from roadworthy.engine.until import widened
from roadworthy.errors import UsageError
from roadworthy.metrics.catalogue import failed as failed_of
from roadworthy.metrics.catalogue import usable as usable_of
from roadworthy.metrics.samples import BY_SEVERITY
from roadworthy.metrics.seen import of_one_value, share
from roadworthy.metrics.suite import SuiteCells, SuiteResult, evaluate_suite
from roadworthy.profiles.base import Profile, profile_of
from roadworthy.run import CellRecord, Run
from roadworthy.stress.reference import clean_of, is_clean

COLUMNS = (
    *("sample", "variant", "severity", "label", "correct", "frame_size"),
    *("frames_flip", "frames_top5_distance"),
)
OF_CONDITIONS = ("status", "pred", "frames_correct", "frames_pred")
"""What the metrics of operating profiles need as well."""
OF_PIPELINES = ("pipeline", "pred", "kl_ref", "zipf_ref", "chroma", "downscale")
"""What the metrics of systematic suites need as well."""
DIGITS = 7
"""A baseline that is itself a summary has nine digits: two more would be those of its rounding."""


@dataclass(frozen=True)
class Member:
    """What is kept of one cell for the suites it belongs to."""

    cell: CellRecord
    rows: pl.DataFrame
    clean: pl.DataFrame | None
    failed: frozenset[str]


@dataclass(frozen=True)
class Finding:
    """One metric of the suite ``suite``, where its row stands, and the cells that it is over."""

    suite: str
    data: str
    stress: str
    variant: str
    cells: Sequence[Member]
    result: SuiteResult


class Suites:
    """The suites of a run, the newest of each spec, and the cells that belong to them."""

    def __init__(self, run: Run, same: Iterable[Mapping[str, str]] = ()) -> None:
        self.known = {s["spec"]: s for one in run.runs for s in _of(one)}
        self.later = {
            (s["spec"], *(stage[name] for name in ("model", "data", "precision"))): stage[
                "stresses"
            ]
            for one in run.runs
            for s in _of(one)
            for stage in s.get("later", ())
        }
        self.same = {(pair["model"], pair["data"], pair["stress"]): pair["like"] for pair in same}
        folders = {s["spec"]: one.get("folder") for one in run.runs for s in _of(one)}
        self.baselines = {spec: _baseline(s, folders[spec]) for spec, s in self.known.items()}
        self.members: dict[tuple[str, str, str], dict[str, Member]] = {}
        self._wanted = {stress for suite in self.known.values() for stress in suite["stresses"]}
        self._systematic = {
            *(stress for s in self.known.values() if _systematic(s) for stress in s["stresses"]),
            *(stress for stages in self.later.values() for stress in stages),
            *self.same.values(),
        }
        self._wanted |= self._systematic
        self._of_profiles = {
            stress for s in self.known.values() if s.get("profile") for stress in s["stresses"]
        }
        self._run = run

    def add(self, cell: CellRecord, records: pl.DataFrame, clean: pl.DataFrame | None) -> None:
        """Keep a cell if it belongs to a suite; ``records`` are all, ``clean`` the usable ones."""
        if cell.stress not in self._wanted:
            return
        more = {
            **dict.fromkeys(OF_PIPELINES if cell.stress in self._systematic else ()),
            **dict.fromkeys(OF_CONDITIONS if cell.stress in self._of_profiles else ()),
        }
        member = member_of(cell, records, clean, more=tuple(more))
        self.members.setdefault((cell.model, cell.data, cell.precision), {})[cell.stress] = member

    def results(self, pool: Executor | None = None) -> Iterator[Finding]:
        """Yield every metric of every suite of every model on every data set."""
        for spec, suite in self.known.items():
            for own, seen in self.cells_of(spec):
                for result in evaluate_suite(suite.get("kind"), seen, pool=pool):
                    over = [own[result.stress]] if result.stress else list(own.values())
                    variant = _variant(over[0]) if result.stress else result.variant
                    stress = result.stress or spec
                    yield Finding(spec, over[0].cell.data, stress, variant, over, result)

    def cells_of(self, spec: str) -> Iterator[tuple[dict[str, Member], SuiteCells]]:
        """Yield the members of a suite that have results, and what metrics see, of each model and data."""
        suite = self.known[spec]
        baseline, why = self.baselines[spec]
        for key, cells in self.members.items():
            own = self._own(suite["stresses"], key, cells)
            if not own:
                continue
            yield (
                own,
                SuiteCells(
                    stresses=suite["stresses"],
                    rows={stress: member.rows for stress, member in own.items()},
                    clean=_clean(own, suite["stresses"]),
                    baseline=baseline,
                    why_no_baseline=why,
                    factors=suite.get("factors") or {},
                    profile=_profile(suite),
                    names=self._run.class_names(key[0]) if suite.get("profile") else (),
                ),
            )

    def _own(
        self, stresses: Sequence[str], key: tuple[str, str, str], cells: Mapping[str, Member]
    ) -> dict[str, Member]:
        """Return the members that have results, be it under the name of a stress that is the same."""
        model, data, _ = key
        own: dict[str, Member] = {}
        for stress in stresses:
            like = self.same.get((model, data, stress), stress)
            if stress in cells or (like not in stresses and not is_clean(like)):
                found = cells.get(stress) or cells.get(like)
                own |= {stress: found} if found else {}
        return own

    def described(self) -> list[dict[str, Any]]:
        """Return what a reader must know of each suite: its headline, and what divides the errors."""
        described = []
        for spec, suite in self.known.items():
            baseline, why = self.baselines[spec]
            about = {key: suite.get(key) for key in ("name", "version", "kind", "headline")}
            source = {"name": baseline.name, "version": baseline.version} if baseline else None
            own = {"profile": suite["profile"]} if suite.get("profile") else {}
            described.append(
                {"spec": spec, **about, "baseline": source, "why_no_baseline": why, **own}
            )
        return described


def member_of(
    cell: CellRecord,
    records: pl.DataFrame,
    clean: pl.DataFrame | None,
    *,
    more: Sequence[str] = (),
) -> Member:
    """Return what is kept of a cell: of its usable records the columns that suites need."""
    usable = usable_of(records)
    kept = usable.select(*COLUMNS, *more)
    share(usable, kept, BY_SEVERITY)
    return Member(cell, kept, clean, failed_of(records))


class Reasons:
    """Why values are missing, as entries of ``unavailable``: one for all metrics with one reason."""

    def __init__(self) -> None:
        self._names: dict[tuple[str, str, str, str], list[str]] = {}

    def add(self, why: tuple[str, str, str, str], metric: str) -> None:
        """Note a missing ``metric``; ``why`` is data, model, stress and the reason."""
        names = self._names.setdefault(why, [])
        names.extend(n for n in [metric] if n not in names)

    def entries(self) -> list[dict[str, str]]:
        """Return the entries in the order in which they came."""
        return [
            {
                "data": data,
                "model": model,
                "stress": spec,
                "reason": f"{', '.join(names)}: {reason}",
            }
            for (data, model, spec, reason), names in self._names.items()
        ]


def suite_rows(
    findings: Iterable[Finding],
    name: Callable[[CellRecord], str],
    wider: Mapping[tuple[str, str], float],
) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """Return the rows of all suites, and why values are missing, as entries of ``unavailable``."""
    rows: list[dict[str, Any]] = []
    reasons = Reasons()
    for found in findings:
        model, result = name(found.cells[0].cell), found.result
        definition, single = result.definition, result.estimate
        factors = [wider.get((m.cell.request, definition.name), 1.0) for m in found.cells]
        estimate = widened(single, max(factors), unit=definition.bounds)
        row = {
            "model": model,
            "data": found.data,
            "source": None,
            "stress": found.stress,
            "variant": found.variant,
            "metric": definition.name,
            "unit": definition.unit,
            "value": _rounded(estimate.value),
            "low": _rounded(estimate.low),
            "high": _rounded(estimate.high),
            "n": estimate.n,
            "failed": len(frozenset().union(*(m.failed for m in found.cells))),
            "version": definition.version,
        }
        rows.append(row)
        reason = result.reason or single.reason
        if reason:
            reasons.add((found.data, model, found.suite, reason), definition.name)
    return rows, reasons.entries()


def _of(run: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [suite for suite in run.get("suites") or () if suite.get("kind")]


def _systematic(suite: Mapping[str, Any]) -> bool:
    return suite.get("kind") == "systematic"


def _profile(suite: Mapping[str, Any]) -> Profile | None:
    return profile_of(suite["profile"]) if suite.get("profile") else None


def _baseline(suite: Mapping[str, Any], folder: str | None) -> tuple[Baseline | None, str]:
    if not suite.get("baseline"):
        return None, str(suite.get("why_no_baseline") or "")
    try:
        return load_baseline(suite["baseline"], suite["stresses"], base=folder), ""
    except UsageError as error:
        return None, str(error)


def _clean(members: Mapping[str, Member], stresses: list[str]) -> pl.DataFrame | None:
    """Return the clean records, if all members of the suite share a frame."""
    if len({clean_of(stress) for stress in stresses}) > 1:
        return None
    return next(iter(members.values())).clean


def _variant(member: Member) -> str:
    """Return the variant in which a row about a whole cell stands in the summary."""
    variants = member.rows["variant"]
    return str(variants[0]) if len(variants) and of_one_value(variants) else ""


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.{DIGITS}g}")
