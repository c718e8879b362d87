"""Records of whole suites of known errors and flips, for the tests of suite metrics."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache

import numpy as np
import polars as pl
from metric_records import records
from numpy.typing import NDArray

from roadworthy.baselines import Baseline, load_baseline
from roadworthy.metrics.corruption_error import CORRUPTIONS
from roadworthy.metrics.flip_rate import PERTURBATIONS
from roadworthy.metrics.suite import SuiteCells, SuiteResult, evaluate_suite

PROTOCOL = "frame=imagenet, store=jpeg(quality=85)"
FILMS = "frame=imagenet, store=mp4"
Bools = NDArray[np.bool_]


def specs(names: Sequence[str] = CORRUPTIONS, protocol: str = PROTOCOL) -> list[str]:
    """Return members of a suite in its frame and store."""
    return [f"{name}({protocol})" for name in names]


def corrupted(stress: str, wrong: Bools) -> pl.DataFrame:
    """Return the records of one corruption from its errors (samples, severities)."""
    count, levels = wrong.shape
    severity = np.tile(np.arange(1, levels + 1), count)
    return records(
        stress=stress,
        sample=pl.Series(np.repeat(np.arange(count), levels)).cast(pl.String),
        severity=pl.Series(severity),
        variant=[f"severity={s}" for s in severity],
        correct=pl.Series(~wrong.ravel()),
    )


def judged_clean(wrong: Bools) -> pl.DataFrame:
    """Return the records of the unstressed images from their errors (samples,)."""
    sample = pl.Series(np.arange(wrong.size)).cast(pl.String)
    return records(
        stress="clean(frame=imagenet)", variant="", sample=sample, correct=pl.Series(~wrong)
    )


def shares(percent: Sequence[float], count: int) -> Bools:
    """Return errors (count, columns) of which each column has its percentage.

    Where all columns have the same, the whole has it, which is finer.
    """
    wanted = np.array(percent)
    if np.ptp(wanted):
        return np.asarray(np.arange(count)[:, None] < np.round(wanted * count / 100))
    every = np.arange(count * wanted.size).reshape(count, wanted.size)
    return np.asarray(every < round(wanted[0] * every.size / 100))


def sequences(
    stress: str, flips: Bools, distances: NDArray[np.int64] | None = None
) -> pl.DataFrame:
    """Return the records of one perturbation from its comparisons (samples, comparisons)."""
    if distances is None:
        distances = 3 * flips.astype(np.int64)
    return records(
        stress=stress,
        sample=pl.Series(np.arange(len(flips))).cast(pl.String),
        variant="difficulty=1",
        frames_flip=flips.tolist(),
        frames_top5_distance=distances.tolist(),
    )


def corruption_suite(
    errors: Callable[[str], Sequence[float]],
    count: int,
    *,
    clean: float = 43.48,
    baseline: Baseline | None = None,
    names: Sequence[str] = CORRUPTIONS,
) -> SuiteCells:
    """Return a suite in which a model has ``errors`` in percent by the name of the corruption."""
    rows = {
        spec: corrupted(spec, shares(errors(name), count))
        for name, spec in zip(names, specs(names), strict=True)
    }
    judged = judged_clean(shares([clean], count)[:, 0])
    return SuiteCells(stresses=tuple(rows), rows=rows, clean=judged, baseline=baseline)


def values(kind: str, cells: SuiteCells) -> dict[tuple[str, str], SuiteResult]:
    """Return all results by metric and the name of the member, empty for the whole suite."""
    found = evaluate_suite(kind, cells)
    return {(r.definition.name, (r.stress or "").partition("(")[0]): r for r in found}


@cache
def alexnet() -> Baseline:
    """Return the published denominators of corruptions."""
    return load_baseline("alexnet-imagenet_c", specs())


@cache
def alexnet_films() -> Baseline:
    """Return the published denominators of sequences."""
    return load_baseline("alexnet-imagenet_p", specs(PERTURBATIONS, FILMS))


def constant(values: Mapping[str, float]) -> Callable[[str], Sequence[float]]:
    """Return the same error at all severities."""
    return lambda name: [values[name]] * 5
