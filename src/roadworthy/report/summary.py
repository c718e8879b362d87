"""Every metric of a run, computed from its records alone; deterministic, no times in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

import polars as pl

from roadworthy.engine.options import cores
from roadworthy.engine.stops import widenings
from roadworthy.engine.until import widened
from roadworthy.metrics.base import Estimate, MetricDefinition
from roadworthy.metrics.catalogue import evaluate_all, unread
from roadworthy.metrics.catalogue import failed as failed_of
from roadworthy.metrics.catalogue import usable as usable_of
from roadworthy.metrics.per_class import per_class
from roadworthy.metrics.seen import empty_columns, part_of
from roadworthy.metrics.subsets import OF_SUBSETS
from roadworthy.metrics.transfer import TRANSFER
from roadworthy.report.alike import alike
from roadworthy.report.deployments import deployments
from roadworthy.report.ensembles import Ensembles
from roadworthy.report.judged import Judged
from roadworthy.report.masking import Masking
from roadworthy.report.matrix import fools_nothing
from roadworthy.report.numbered import Numbered
from roadworthy.report.overtaken import Overtaken
from roadworthy.report.profiles import profiles
from roadworthy.report.stored import StoredSets
from roadworthy.report.suites import Reasons, Suites, suite_rows
from roadworthy.report.warned import Warned
from roadworthy.run import CellRecord, Run
from roadworthy.stress.reference import clean_of, is_clean
from roadworthy.studies.bits import bits
from roadworthy.studies.collect import Surveys, stresses_of_suite
from roadworthy.studies.published import beside, beside_survey
from roadworthy.studies.scores import tradeoff

SIGNIFICANT_DIGITS = 9
OF_OTHERS = ("top1", "top5", "robust_top1", *TRANSFER, *OF_SUBSETS)
"""What is said of inputs that were made for another model than their judge."""


def summarise(run: Run) -> dict[str, Any]:
    """Return the summary: schema, what was run, rows of metrics, classes, and what could not run."""
    rows: list[dict[str, Any]] = []
    classes: list[dict[str, Any]] = []
    clean: dict[tuple[str, ...], pl.DataFrame] = {}
    same = same_of(run)
    wider, suites, stored = widenings(run.runs), Suites(run, same), StoredSets.of(run.cells)
    attacks, warned, infinite = Ensembles(), Warned(), Reasons()
    surveys, numbered = Surveys(stresses_of_suite(run.runs)), Numbered(run, unread())
    pictures, masking, overtaken = Judged(), Masking(), Overtaken.of(run.cells)
    passed_on = {(c.data, c.stress) for c in run.cells if c.source and not is_clean(c.stress)}
    before: Callable[[], Iterable[dict[str, Any]]] = list
    cells = sorted(run.cells, key=lambda cell: not is_clean(cell.stress))
    with ThreadPoolExecutor(cores()) as pool:
        for cell, records in numbered.ahead(cells, pool):
            key = (cell.data, cell.model, clean_of(cell.stress), cell.frame)
            if is_clean(cell.stress):
                usable = usable_of(records)
                clean.setdefault(key, usable)
                clean[*key, cell.precision] = usable
                classes.extend([] if cell.frame else _classes(run, cell, usable))
            reference = clean.get((*key, cell.precision), clean.get(key))
            groups, lost = _groups(records), len(failed_of(records))
            # worked out while all that follows is counted
            found = [pool.submit(evaluate_all, group, reference) for _, group in groups]
            if (cell.data, cell.stress) in passed_on:
                masking.add(cell, _name(cell), records)
            if not cell.source:  # all this is about models by themselves
                suites.add(cell, records, reference)
                if stored.wants(cell):
                    stored.add(cell, run.rows_of(cell))  # it tells pictures by their names
                attacks.add(cell, records)
                judged = usable_of(records)
                warned.add(cell, _name(cell), judged, records)
                overtaken.add(cell, _name(cell), judged)
                surveys.add(cell.data, _name(cell), cell.stress, cell.precision, judged)
                pictures.add(cell, _name(cell), records, reference, numbered.images(cell))
            rows.extend(before())
            before = partial(_rows, cell, groups, found, lost, wider, infinite, passed_on)
        over = [*suites.results(pool), *stored.results(), *attacks.results()]
        rows.extend(before())
    whole, missing = suite_rows(over, _name, wider)
    last = run.runs[-1] if run.runs else {}
    studies = list(surveys.results())
    return {
        "schema": 1,
        "run": {
            "roadworthy": last.get("versions", {}).get("roadworthy", ""),
            "seed": last.get("options", {}).get("seed", 0),
            "precision": last.get("options", {}).get("precision", "fp32"),
            "models": list(run.models()),
            "data": list(run.datasets()),
            "stresses": list(dict.fromkeys(cell.stress for cell in run.cells)),
            "suites": [*suites.described(), *stored.described()],
            "warnings": [
                *warned.rows(),
                *masking.rows(),
                *overtaken.rows(),
                *fools_nothing(rows),
            ],
            "alike": alike(run),
        },
        "rows": [*rows, *whole],
        "profiles": list(profiles(suites)),
        "survey": studies,
        "tradeoff": tradeoff([*rows, *whole], {m["spec"]: m for m in run.models()}),
        "bits": bits(run.runs, rows),
        "reference": [*beside(rows), *beside_survey(studies)],
        "per_class": classes,
        **pictures.results(),
        "same": same,
        "systematic": list(deployments(suites, _name)),
        "unavailable": [*_unavailable(run), *infinite.entries(), *missing],
    }


def _groups(records: pl.DataFrame) -> list[tuple[str, pl.DataFrame]]:
    """Return the usable records by variant, and all of them as "" where they have a mean."""
    usable = usable_of(records)
    variants = usable["variant"].unique(maintain_order=True).to_list()
    groups = [(v, part_of(usable, usable.filter(pl.col("variant") == v))) for v in variants]
    # Subsets of one size and another, and their controls, are different things: there is no mean.
    if len(groups) > 1 and {"control", "kept"} <= empty_columns(usable):
        groups.insert(0, ("", usable))
    if not groups and len(records):
        groups = [("", usable)]
    return groups


def _rows(
    cell: CellRecord,
    groups: Sequence[tuple[str, pl.DataFrame]],
    found: Sequence[Future[list[tuple[MetricDefinition, Estimate]]]],
    failed: int,
    wider: Mapping[tuple[str, str], float],
    reasons: Reasons,
    passed_on: Set[tuple[str, str]],
) -> Iterator[dict[str, Any]]:
    for (variant, group), results in zip(groups, found, strict=True):
        source = group["source"][0] if len(group) else None
        model = _name(cell)
        for definition, single in results.result():
            if not _wanted(definition.name, cell, (cell.data, cell.stress) in passed_on):
                continue
            if single.reason:
                reasons.add((cell.data, model, cell.stress, single.reason), definition.name)
            factor = wider.get((cell.request, definition.name), 1.0)
            estimate = widened(single, factor, unit=definition.unit)
            yield {
                "model": model,
                "data": cell.data,
                "source": source,
                "stress": cell.stress,
                "variant": variant,
                "metric": definition.name,
                "unit": definition.unit,
                "value": _rounded(estimate.value),
                "low": _rounded(estimate.low),
                "high": _rounded(estimate.high),
                "n": estimate.n,
                "failed": failed,
                "version": definition.version,
            }


def _wanted(metric: str, cell: CellRecord, passed_on: bool) -> bool:
    """Whether a metric means something: how well inputs travel only where they did, and then that."""
    if cell.source:
        return metric in OF_OTHERS
    return passed_on or metric not in TRANSFER


def _name(cell: CellRecord) -> str:
    return cell.judge


def _classes(run: Run, cell: CellRecord, rows: pl.DataFrame) -> Iterator[dict[str, Any]]:
    if not len(rows):
        return
    for row in per_class(rows).iter_rows(named=True):
        yield {
            "model": _name(cell),
            "data": cell.data,
            "stress": cell.stress,
            "label": row["label"],
            "name": run.class_name(cell.model, row["label"]),
            "n": row["n"],
            **{key: _rounded(row[key]) for key in ("top1", "low", "high")},
        }


def _rounded(value: float | None) -> float | None:
    """Drop the last digits, which depend on the order of summation."""
    return None if value is None else float(f"{value:.{SIGNIFICANT_DIGITS}g}")


def _unavailable(run: Run) -> list[dict[str, str]]:
    """Return what could not run, without what a later invocation with more packages could."""
    found: dict[tuple[str, ...], dict[str, str]] = {}
    for one in run.runs:
        asked_again = {(c["data"], c["model"], c["stress"]) for c in one.get("cells", [])}
        found = {key: pair for key, pair in found.items() if key[:3] not in asked_again}
        for pair in one.get("unavailable", []):
            shown = {name: pair[name] for name in ("data", "model", "stress", "reason")}
            asked = pair.get("asked") or pair["stress"]
            found[pair["data"], pair["model"], asked, *shown.values()] = shown
    return list(found.values())


def same_of(run: Run) -> list[dict[str, str]]:
    """Return which members of suites change no pixel against others, as the newest that asked says."""
    found: dict[tuple[str, str, str], dict[str, str]] = {}
    for one in run.runs:
        asked = {(c["data"], c["model"], c["stress"]) for c in one.get("cells", [])}
        found = {key: pair for key, pair in found.items() if key not in asked}
        for pair in one.get("same", []):
            found[pair["data"], pair["model"], pair["stress"]] = dict(pair)
    return list(found.values())
