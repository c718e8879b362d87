"""Metrics over whole suites, stored sets and several attacks in two runs, and their differences."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from roadworthy.comparing.cells import Both
from roadworthy.comparing.metrics import NOTHING, Widenings, rounded
from roadworthy.comparing.result import Difference, Place
from roadworthy.comparing.samples import Common
from roadworthy.engine.until import widened
from roadworthy.errors import UsageError
from roadworthy.metrics.base import Estimate
from roadworthy.metrics.difference import difference, pair
from roadworthy.report.ensembles import Ensembles
from roadworthy.report.stored import StoredSets
from roadworthy.report.suites import Finding, Suites
from roadworthy.report.summary import same_of

_Key = tuple[Any, ...]


@dataclass
class SuitesOfBoth:
    """The suites of two runs, filled cell by cell with the records of the common images."""

    common: Common
    wider: tuple[Widenings, Widenings]
    only: Collection[str] | None
    notes: list[str] = field(default_factory=list)
    _same: dict[str, bool] = field(default_factory=dict)
    _partners: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.suites = tuple(Suites(run, same_of(run)) for run in self.common.runs)
        self.stored = (StoredSets(), StoredSets())
        self.attacks = (Ensembles(), Ensembles())
        _check_versions(*(suites.known for suites in self.suites))

    def add(self, both: Both) -> None:
        """Keep a cell of both runs, if it is of models by themselves."""
        if both.cells[0].source or both.cells[1].source:
            return
        a, b = both.cells
        self._same[a.request] = both.same
        self._partners[a.judge, a.data] = (b.judge, b.data)
        for side, cell in enumerate(both.cells):
            rows = both.rows[side]
            clean = None if both.clean is None else both.clean[side]
            self.suites[side].add(cell, rows, clean)
            self.attacks[side].add(cell, rows)
            if self.stored[side].wants(cell):  # it tells pictures by their names
                ids = self.common.ids(both.cells)
                named = rows.with_columns(sample=ids.gather(rows["sample"]))
                self.stored[side].add(cell, named)

    def differences(self) -> Iterator[Difference]:
        """Yield every metric of every suite that both runs have; what is missing goes to ``notes``."""
        second = {_key(found): found for found in self._findings(1)}
        for a in self._findings(0):
            cell = a.cells[0].cell
            partner = self._partners[cell.judge, cell.data]
            b = second.get((*partner, *_key(a)[2:]))
            if b is None:
                continue
            models, data = (cell.judge, partner[0]), (cell.data, partner[1])
            place = Place(models, data, None, a.stress, a.variant)
            reason = a.result.reason or b.result.reason or self._other_means(a, b)
            if reason:
                self.notes.append(f"{a.result.definition.name} of {a.stress}: {reason}")
                continue
            yield self._difference(place, a, b)

    def _findings(self, side: int) -> Iterator[Finding]:
        for source in (self.suites[side], self.stored[side], self.attacks[side]):
            for found in source.results():
                if self.only is None or found.result.definition.name in self.only:
                    yield found

    def _difference(self, place: Place, a: Finding, b: Finding) -> Difference:
        definition = a.result.definition
        factors = [
            max(self.wider[side].get((m.cell.request, definition.name), 1.0) for m in found.cells)
            for side, found in enumerate((a, b))
        ]
        first, second = (
            rounded(widened(found.result.estimate, factor, unit=definition.bounds))
            for found, factor in zip((a, b), factors, strict=True)
        )
        if all(self._same.get(member.cell.request, False) for member in a.cells):
            known = first.value is not None
            change = replace(NOTHING, n=first.n) if known else _nothing(first)
        else:
            found = pair(a.result.contributions(), b.result.contributions())
            change = difference(
                first,
                second,
                found,
                unit=definition.bounds,
                statistic=definition.statistic,
                factor=max(factors),
            )
        facts = (definition.unit, definition.direction, definition.version)
        return Difference(place, definition.name, *facts, first, second, rounded(change))

    def _other_means(self, a: Finding, b: Finding) -> str:
        """Return why one metric means something else in the two runs; empty if it does not."""
        profiles = [
            suites.known.get(found.suite, {}).get("profile")
            for suites, found in zip(self.suites, (a, b), strict=True)
        ]
        if profiles[0] != profiles[1]:
            return "the profile says something else in the two runs"
        if not a.result.definition.ratio:
            return ""
        first, second = (
            suites.baselines.get(found.suite)
            for suites, found in zip(self.suites, (a, b), strict=True)
        )
        return "" if first == second else "the two runs divide by different baselines"


def _nothing(estimate: Estimate) -> Estimate:
    return Estimate(None, None, None, estimate.n, estimate.reason)


def _key(found: Finding) -> _Key:
    cell, definition = found.cells[0].cell, found.result.definition
    return cell.judge, cell.data, found.suite, found.stress, found.variant, definition.name


def _check_versions(a: Mapping[str, Any], b: Mapping[str, Any]) -> None:
    for spec in a.keys() & b.keys():
        first, second = a[spec].get("version"), b[spec].get("version")
        if first != second:
            raise UsageError(
                f"the suite {spec} is of version {first} in the first run and {second} in the second, "
                f"so its stresses differ; give the command of the older run again"
            )
