"""Systematic suites in detail, for the summary: every pipeline, strata of files, the worst stack."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from roadworthy.errors import UsageError
from roadworthy.metrics.base import Estimate
from roadworthy.metrics.compared import Compared, compared, paired, strata
from roadworthy.metrics.mcnemar import holm
from roadworthy.metrics.pipelines import worst_drop
from roadworthy.metrics.suite import SuiteCells
from roadworthy.report.suites import Member, Suites
from roadworthy.run import CellRecord
from roadworthy.spec import SpecError, parse
from roadworthy.stress.reference import clean_of

DIGITS = 7
USUAL = {"decoder": "pillow", "resize": "pillow-bilinear"}
"""What a pipeline does not say where it is so."""

Pairs = dict[tuple[str, str], pl.DataFrame]


def deployments(suites: Suites, name: Callable[[CellRecord], str]) -> Iterator[dict[str, Any]]:
    """Yield what the summary says of each systematic suite on each model and data set."""
    for spec, suite in suites.known.items():
        if suite.get("kind") != "systematic":
            continue
        for own, cells in suites.cells_of(spec):
            cell = next(iter(own.values())).cell
            if cells.clean is None or cells.clean.is_empty():
                continue
            key = (cell.model, cell.data, cell.precision)
            later = suites.later.get((spec, *key), ())
            pairs = {
                (stress, variant): paired(rows, cells.clean)
                for stress, member in own.items()
                for variant, rows in _by_variant(member)
            }
            yield {
                "suite": spec,
                "model": name(cell),
                "data": cell.data,
                "reference": {
                    "stress": clean_of(suite["stresses"][0]),
                    **_reading(cells.clean),
                },
                "worst": _worst(cells),
                "pipelines": list(_pipelines(pairs, own, suite.get("factors") or {})),
                "strata": list(_strata(pairs)),
                "steps": list(_steps(later, suites.members[key], cells, suite)),
                "same": [
                    {"stress": stress, "like": like}
                    for (model, data, stress), like in suites.same.items()
                    if (model, data) == key[:2] and stress in suite["stresses"]
                ],
            }


def _worst(cells: SuiteCells) -> dict[str, Any] | None:
    """Return the largest drop with the interval that allows for having been chosen."""
    try:
        found: Estimate = worst_drop.function(cells)
    except UsageError:
        return None
    return {"n": found.n, **_estimate("drop", found)}


def _by_variant(member: Member) -> Iterator[tuple[str, pl.DataFrame]]:
    for variant in member.rows["variant"].unique(maintain_order=True).to_list():
        yield variant, member.rows.filter(pl.col("variant") == variant)


def _pipelines(
    pairs: Pairs, own: Mapping[str, Member], factors: Mapping[str, Sequence[str]]
) -> Iterator[dict[str, Any]]:
    found = {key: one for key, frame in pairs.items() if (one := compared(frame)) is not None}
    corrected = holm([one.p for one in found.values()])
    factor_of = {stress: factor for factor, members in factors.items() for stress in members}
    for ((stress, variant), one), p in zip(found.items(), corrected, strict=True):
        yield {
            "factor": factor_of.get(stress, ""),
            "stress": stress,
            "variant": variant,
            **_reading(own[stress].rows.filter(pl.col("variant") == variant)),
            **_described(one),
            "holm_p": _rounded(p),
        }


def _strata(pairs: Pairs) -> Iterator[dict[str, Any]]:
    for (stress, variant), frame in pairs.items():
        for by, stratum, images in strata(frame):
            one = compared(images)
            if one is not None:
                where = {"by": by, "stratum": stratum, "stress": stress, "variant": variant}
                yield {**where, **_described(one)}


def _steps(
    later: Sequence[str],
    members: Mapping[str, Member],
    cells: SuiteCells,
    suite: Mapping[str, Any],
) -> Iterator[dict[str, Any]]:
    """Yield the stacks in their order, each with what it adds; the first is a change alone."""
    if not later or cells.clean is None:
        return
    first = _members_of(later[0])[:1]
    alone = next((s for s in suite["stresses"] if first and _unframed(s) == first[0]), None)
    done: list[str] = []
    for stress in [*([alone] if alone else []), *later]:
        if stress not in members:
            continue
        now = first if stress == alone else _members_of(stress)
        one = compared(paired(members[stress].rows, cells.clean))
        if one is not None:
            added = [text for text in now if text not in done]
            done = now
            yield {"stress": stress, "added": ", ".join(added), **_described(one)}


def _members_of(stress: str) -> list[str]:
    return [str(member) for member in parse(stress).args]


def _unframed(stress: str) -> str:
    spec = parse(stress)
    kept = tuple(given for given in spec.params if given[0] != "frame")
    return str(type(spec)(spec.name, spec.args, kept, spec.path))


def _described(one: Compared) -> dict[str, Any]:
    return {
        "n": one.discordant.n,
        "lost": one.discordant.lost,
        "gained": one.discordant.gained,
        **_estimate("drop", one.drop),
        **_estimate("changed", one.changed),
        "mean_kl": _rounded(one.moved.value),
        "p": _rounded(one.p),
        "detectable": _rounded(one.detectable),
    }


def _estimate(name: str, found: Estimate) -> dict[str, Any]:
    ends = {"": found.value, "_low": found.low, "_high": found.high}
    return {f"{name}{end}": _rounded(value) for end, value in ends.items()}


def _reading(rows: pl.DataFrame) -> dict[str, str]:
    """Return decoder and resizer of records whose pipeline says so."""
    text = rows["pipeline"].drop_nulls().unique().to_list() if "pipeline" in rows.columns else []
    try:
        params = dict(parse(text[0]).params) if len(text) == 1 else None
    except SpecError:
        params = None
    return {} if params is None else {k: str(params.get(k, v)) for k, v in USUAL.items()}


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.{DIGITS}g}")
