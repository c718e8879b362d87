"""Stored benchmarks in the summary: metrics over the suite that their parts are together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl

from roadworthy.baselines import Baseline, load_baseline
from roadworthy.making.names import stem_of
from roadworthy.metrics.base import Estimate
from roadworthy.metrics.suite import SuiteCells, SuiteResult, evaluate_suite, suite_metrics
from roadworthy.report.parts import Content, Part, part_of
from roadworthy.report.suites import Finding, Member, member_of
from roadworthy.run import CellRecord
from roadworthy.stress.reference import is_clean

PUBLISHED_SIZE = "224x224"
"""The frames that published baselines were measured on."""

_NOTHING = Estimate(None, None, None, 0)
_Judge = tuple[str, str]


@dataclass
class StoredSets:
    """The parts of the stored sets of a run by model, and the clean images that may belong to them."""

    some: bool = True
    """Whether the run has parts of stored sets at all."""
    parts: dict[tuple[_Judge, str], dict[Part, Member]] = field(default_factory=dict)
    clean: dict[_Judge, dict[str, pl.DataFrame]] = field(default_factory=dict)
    said: dict[str, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, cells: Iterable[CellRecord]) -> StoredSets:
        """Return what will keep the parts among ``cells``, and nothing where there are none."""
        return cls(any(part_of(cell.data) is not None for cell in cells))

    def wants(self, cell: CellRecord) -> bool:
        """Whether a cell is of a part of a stored set, or of clean images in a published frame."""
        part = part_of(cell.data) is not None
        return (
            self.some and is_clean(cell.stress) and (part or cell.stress == "clean(frame=imagenet)")
        )

    def add(self, cell: CellRecord, records: pl.DataFrame) -> None:
        """Keep a cell that is wanted, with the names of its samples."""
        judge, part = (cell.model, cell.precision), part_of(cell.data)
        if part is not None:
            kept = member_of(cell, records, None)
            self.parts.setdefault((judge, part.whole), {})[part] = kept
        else:
            kept = member_of(cell, records, None)
            self.clean.setdefault(judge, {})[cell.data] = kept.rows

    def results(self) -> Iterator[Finding]:
        """Yield every metric of every stored set of every model."""
        for (judge, whole), parts in self.parts.items():
            levels: dict[str, list[int]] = {}
            for part in parts:
                levels.setdefault(part.name, []).extend([part.severity] if part.severity else [])
            content = Content(whole, {name: tuple(sorted(s)) for name, s in levels.items()})
            members = {
                name: [member for part, member in parts.items() if part.name == name]
                for name in content.names
            }
            rows = {content.stress(name): _joined(parts, name) for name in content.names}
            yield from self._found(content, members, rows, self.clean.get(judge, {}))

    def _found(
        self,
        content: Content,
        members: Mapping[str, list[Member]],
        rows: Mapping[str, pl.DataFrame],
        clean: Mapping[str, pl.DataFrame],
    ) -> Iterator[Finding]:
        suite = content.suite
        baseline, why = _baseline(content, rows)
        source, reference = _clean_of(next(iter(rows.values())), clean)
        cells = SuiteCells(
            stresses=tuple(rows),
            rows=rows,
            clean=reference,
            baseline=baseline,
            why_no_baseline=why,
            why_no_clean="its clean images were not judged: name them with a second -d, and add "
            "-s 'clean(frame=imagenet)'",
        )
        self._describe(content, baseline, why, source)
        names = {content.stress(name): name for name in content.names}
        for result in _checked(evaluate_suite(suite.kind, cells), content, names, why):
            over = [m for n in names.values() for m in members[n]]
            name = names.get(result.stress or "", "")
            shown = name or suite.name
            yield Finding(suite.name, content.data, shown, "", members.get(name, over), result)

    def _describe(
        self, content: Content, baseline: Baseline | None, why: str, clean: str | None
    ) -> None:
        suite = content.suite
        source = {"name": baseline.name, "version": baseline.version} if baseline else None
        whole = baseline is not None and not content.missing
        self.said[content.data] = {
            "spec": suite.name,
            "data": content.data,
            "name": suite.name,
            "version": suite.version,
            "kind": suite.kind,
            "headline": suite.headline if whole or suite.baseline is None else _plain(suite.kind),
            "baseline": source,
            "why_no_baseline": why,
            "clean": clean,
        }

    def described(self) -> list[dict[str, Any]]:
        """Return what a reader must know of each set, once there were `results`."""
        return list(self.said.values())


def _plain(kind: str | None) -> str:
    return "mean_error" if kind == "corruptions" else "flip_probability"


def _joined(parts: Mapping[Part, Member], name: str) -> pl.DataFrame:
    """Return the records of one corruption at all its severities, or of the films of one kind."""
    return pl.concat(
        member.rows
        if part.severity is None
        else member.rows.with_columns(
            severity=pl.lit(part.severity, pl.Int32), variant=pl.lit(f"severity={part.severity}")
        )
        for part, member in parts.items()
        if part.name == name
    )


def _checked(
    results: list[SuiteResult], content: Content, names: Mapping[str, str], why: str
) -> Iterator[SuiteResult]:
    """Yield the results, ratios to a published baseline only where all that it is of is there."""
    suite, missing = content.suite, content.missing
    for result in results:
        lacks = content.lacking(names[result.stress]) if result.stress else missing
        if not result.definition.ratio:
            yield result
        elif suite.baseline is not None and not (lacks and result.stress is None):
            yield replace(result, estimate=_NOTHING, reason=lacks) if lacks else result
    if suite.baseline is None or not missing:
        return
    for definition in suite_metrics(suite.kind).values():
        if definition.ratio and not definition.each:
            reason = why or f"{missing}; {_plain(suite.kind)} is over what is there"
            yield SuiteResult(definition, None, _NOTHING, reason)


def _baseline(content: Content, rows: Mapping[str, pl.DataFrame]) -> tuple[Baseline | None, str]:
    name = content.suite.baseline
    if name is None:
        return None, content.suite.without_baseline
    sizes = sorted({size for frame in rows.values() for size in frame["frame_size"].unique()})
    other = [size for size in sizes if size != PUBLISHED_SIZE]
    if other:
        return None, f"baseline {name} is of frames of {PUBLISHED_SIZE}, these are of {other[0]}"
    return load_baseline(name), ""


def _clean_of(
    stored: pl.DataFrame, known: Mapping[str, pl.DataFrame]
) -> tuple[str | None, pl.DataFrame | None]:
    """Return the clean images that stored pictures were made of, under the ids of these.

    They are those of the same label and file name; of several data sets the one with most of them.
    """
    best: tuple[str | None, pl.DataFrame | None] = (None, None)
    wanted = _by_name(stored).rename({"sample": "stored"})
    for data, rows in known.items():
        found = _by_name(rows).join(wanted, on=["label", "stem"], how="inner")
        if len(found) > (0 if best[1] is None else len(best[1])):
            ids = found.select("sample", "stored")
            best = data, rows.join(ids, on="sample").with_columns(sample="stored").drop("stored")
    return best


def _by_name(rows: pl.DataFrame) -> pl.DataFrame:
    """Return sample, label and file name without suffix, where these two are of one sample only."""
    ids = rows.select("sample", "label").unique()
    stems = [stem_of(sample) for sample in ids["sample"]]
    named = ids.with_columns(stem=pl.Series(stems, dtype=pl.String))
    return named.filter(pl.len().over("label", "stem") == 1)
