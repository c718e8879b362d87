"""The survey of a run: every attack that looked for the smallest change, over the models it was on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import polars as pl

from roadworthy.metrics.attacked import elements, is_minimal, norm_of
from roadworthy.metrics.seen import empty_columns
from roadworthy.spec import parse
from roadworthy.studies.population import STATISTICS, Population, population
from roadworthy.studies.survey import Fit, Interval, Point, Study, study

DIGITS = 7
SUITE = "survey"
_COLUMNS = ("sample", "status", "success", "norm", "eps", "frame_size", "linf", "l2", "l1", "l0")
_Key = tuple[str, str, str, str]


class Surveys:
    """What is kept of the cells of a run for the survey, by data, attack, variant and precision.

    Attacks on one model alone are kept only if they are of the suite ``survey``, whose ``stresses``
    are given, so that a reader is told what is missing.
    """

    def __init__(self, stresses: frozenset[str] = frozenset()) -> None:
        self._asked = stresses
        self._found: dict[_Key, dict[str, pl.DataFrame]] = {}

    def add(self, data: str, model: str, stress: str, precision: str, rows: pl.DataFrame) -> None:
        """Keep the usable ``rows`` of a cell if they tell how small a change suffices."""
        scored = _scored(rows)
        if "norm" in empty_columns(rows) and not scored:
            return
        for variant in rows["variant"].unique(maintain_order=True):
            own_rows = rows.filter(pl.col("variant") == variant)
            if scored:  # CLEVER is no attack: its norm stands in the stress alone
                own_rows = own_rows.with_columns(norm=pl.lit(norm_in(stress, variant)))
            own = _distances(own_rows)
            if own is not None:
                key = (data, stress, variant, precision)
                self._found.setdefault(key, {}).setdefault(model, own)

    def results(self) -> Iterator[dict[str, Any]]:
        """Yield an entry of the summary for each attack and statistic."""
        for (data, stress, variant, precision), rows in self._found.items():
            norms = {norm_of(frame) for frame in rows.values()}
            if len(norms) != 1 or (len(rows) < 2 and stress not in self._asked):
                continue
            norm = str(norms.pop())
            found, unit = _side_by_side(rows, norm)
            for statistic in STATISTICS:
                yield {
                    "data": data,
                    "stress": stress,
                    "variant": variant,
                    "precision": precision,
                    "norm": norm,
                    "unit": unit,
                    "statistic": statistic,
                    **_entry(study(found, statistic)),
                }


def stresses_of_suite(runs: list[dict[str, Any]]) -> frozenset[str]:
    """Return the stresses of every suite ``survey`` that a run was asked for."""
    suites = [suite for run in runs for suite in run.get("suites") or ()]
    return frozenset(s for suite in suites if suite["name"] == SUITE for s in suite["stresses"])


def _scored(rows: pl.DataFrame) -> bool:
    return "clever" in rows.columns and not rows["clever"].is_null().all()


def norm_in(stress: str, variant: str) -> str:
    """Return the norm that a stress and its variant name, or the default of CLEVER."""
    of_variant = re.search(r"\bnorm=(\w+)", variant)
    return of_variant[1] if of_variant else str(dict(parse(stress).params).get("norm", "L2"))


def _distances(rows: pl.DataFrame) -> pl.DataFrame | None:
    """Return the rows with distances of successes; None where there are none to be had.

    A CLEVER score is taken for a change that suffices: that is what it estimates.
    """
    if _scored(rows):
        norm = norm_of(rows)
        if norm is None:
            return None
        score = pl.col("clever")
        known = rows.filter(score.is_not_null() | (pl.col("status") == "clean_error"))
        right = pl.col("status") != "clean_error"
        return known.with_columns(score.alias(norm.lower()), success=right).select(_COLUMNS)
    return rows.select(_COLUMNS) if is_minimal(rows) else None


def _side_by_side(rows: dict[str, pl.DataFrame], norm: str) -> tuple[Population, str]:
    """Return the models side by side; other norms than Linf are per element of the input."""
    counts = {model: elements(frame) for model, frame in rows.items()}
    if norm == "Linf" or None in counts.values():
        return population(rows, norm.lower()), f"{norm}, pixels in 0 to 1"
    scale = {model: 1 / count for model, count in counts.items() if count}
    return population(rows, norm.lower(), scale=scale), f"{norm} per element"


def _entry(found: Study) -> dict[str, Any]:
    return {"points": [_point(p) for p in found.points], "fits": [_fit(f) for f in found.fits]}


def _point(point: Point) -> dict[str, Any]:
    return {
        "model": point.model,
        "accuracy": _rounded(point.accuracy),
        "x": _rounded(point.x),
        "y": _rounded(point.y),
        "success": _rounded(point.success),
        "n": point.n,
        "frontier": point.frontier,
        "leverage": _rounded(point.leverage),
        "stands_out": point.stands_out,
    }


def _fit(fit: Fit) -> dict[str, Any]:
    return {
        "over": fit.over,
        "models": list(fit.models),
        "slope": _rounded(fit.slope),
        "intercept": _rounded(fit.intercept),
        "r2": _rounded(fit.r2),
        "images": _pair(fit.images),
        "resampled": _pair(fit.resampled),
        "left_out": {model: _rounded(slope) for model, slope in fit.left_out.items()},
        "reason": fit.reason,
    }


def _pair(interval: Interval) -> list[float | None]:
    return [_rounded(end) for end in interval]


def _rounded(value: float | None) -> float | None:
    """Drop the last digits, which depend on the order of summation."""
    return None if value is None else float(f"{value:.{DIGITS}g}")
