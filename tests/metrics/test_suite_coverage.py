"""95 % intervals of whole suites contain the truth in 93 to 97 % of made-up runs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from suite_records import FILMS, alexnet, alexnet_films, specs

from roadworthy.baselines import Baseline
from roadworthy.metrics.corruption_error import CORRUPTIONS
from roadworthy.metrics.flip_rate import PERTURBATIONS
from roadworthy.metrics.suite import SuiteCells, suite_metrics

RUNS, SAMPLES, COMPARISONS = 400, 120, 4
LEVELS = np.arange(1.0, 6.0)
Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class World:
    """All runs at once: rows of each member by spec, clean rows, and what is true of all samples."""

    rows: dict[str, pl.DataFrame]
    clean: pl.DataFrame | None
    truths: dict[str, float]

    def cells(self, run: int, baseline: Baseline) -> SuiteCells:
        rows = {spec: part(frame, run) for spec, frame in self.rows.items()}
        clean = None if self.clean is None else part(self.clean, run)
        return SuiteCells(stresses=tuple(rows), rows=rows, clean=clean, baseline=baseline)


def part(frame: pl.DataFrame, run: int) -> pl.DataFrame:
    size = frame.height // RUNS
    return frame.slice(run * size, size)


def chance(skill: Floats, hard: Floats) -> Floats:
    """Return how likely an error is, of samples (N,) under stresses of some hardness (K,)."""
    return np.asarray(1 / (1 + np.exp(1.6 * skill[:, None] - hard)))


@cache
def corruptions() -> World:
    """Return fifteen corruptions whose errors share the skill and half of the luck of a sample."""
    draws = np.random.default_rng(3)
    hard = {spec: draws.normal(-0.6, 0.5) + 0.5 * LEVELS for spec in specs()}
    people = draws.normal(0, 1, 50_000)
    mean = {spec: chance(people, h).mean(axis=0) for spec, h in hard.items()}
    clean_hard = np.array([-1.4])
    clean_mean = float(chance(people, clean_hard).mean())
    skill = draws.normal(0, 1, RUNS * SAMPLES)
    luck = draws.random(skill.size)
    sample = np.tile(np.arange(SAMPLES), RUNS)

    def wrong(h: Floats) -> NDArray[np.bool_]:
        own = draws.random((skill.size, h.size))
        shared = np.where(draws.random(own.shape) < 0.5, luck[:, None], own)
        return np.asarray(shared < chance(skill, h))

    rows = {
        spec: pl.DataFrame(
            {
                "sample": np.repeat(sample, 5),
                "severity": np.tile(LEVELS.astype(int), skill.size),
                "correct": ~wrong(h).ravel(),
            }
        )
        for spec, h in hard.items()
    }
    clean = pl.DataFrame({"sample": sample, "correct": ~wrong(clean_hard).ravel()})
    known = {name: np.array(list(alexnet().errors[name].values())) / 100 for name in CORRUPTIONS}
    pairs = [(mean[spec], known[name]) for spec, name in zip(specs(), CORRUPTIONS, strict=True)]
    truths = {
        "mce": 100 * np.mean([m.sum() / a.sum() for m, a in pairs]),
        "relative_mce": 100
        * np.mean([(m - clean_mean).sum() / (a - 0.4348).sum() for m, a in pairs]),
        "mean_error": 100 * np.mean([m for m, _ in pairs]),
    }
    return World(rows, clean, {name: float(value) for name, value in truths.items()})


@cache
def perturbations() -> World:
    """Return ten perturbations whose flips share the skill of a sample."""
    draws = np.random.default_rng(4)
    names = specs(PERTURBATIONS, FILMS)
    hard = {spec: draws.normal(-2.0, 0.5, 1) for spec in names}
    people = draws.normal(0, 1, 50_000)
    mean = {spec: float(chance(people, h).mean()) for spec, h in hard.items()}
    skill = draws.normal(0, 1, RUNS * SAMPLES)
    sample = np.tile(np.arange(SAMPLES), RUNS)
    rows = {}
    for spec, h in hard.items():
        flips = draws.random((skill.size, COMPARISONS)) < chance(skill, h)
        moved = np.where(flips, draws.integers(1, 16, flips.shape), 0)
        rows[spec] = pl.DataFrame(
            {
                "sample": sample,
                "variant": "difficulty=1",
                "frames_flip": pl.Series(flips).arr.to_list(),
                "frames_top5_distance": pl.Series(moved).arr.to_list(),
            }
        )
    known = [alexnet_films().flips_of(spec) for spec in names]
    flipped = np.array(list(mean.values()))
    truths = {
        "mfr": float(np.mean(1e4 * flipped / known)),
        "mt5d": float(np.mean(800 * flipped / np.arange(1, 11))),
        "flip_probability": float(100 * flipped.mean()),
        "t5d": float(8 * flipped.mean()),
    }
    return World(rows, None, truths)


@cache
def coverage(kind: str) -> dict[str, float]:
    """Return the share of runs in which the interval of each whole-suite metric has the truth."""
    world, baseline = corruptions(), alexnet()
    if kind == "sequences":
        distances = {n: float(i) for i, n in enumerate(PERTURBATIONS, start=1)}
        world, films = perturbations(), alexnet_films()
        baseline = replace(films, top5_distances=distances)
    hits = dict.fromkeys(world.truths, 0)
    for run in range(RUNS):
        cells = world.cells(run, baseline)
        for name, truth in world.truths.items():
            result = suite_metrics(kind)[name].function(cells)
            hits[name] += result.low <= truth <= result.high
    return {name: count / RUNS for name, count in hits.items()}


WHOLE = [
    (kind, name)
    for kind in ("corruptions", "sequences")
    for name, definition in suite_metrics(kind).items()
    if not definition.each
]


@pytest.mark.parametrize(("kind", "name"), WHOLE)
def test_interval_of_a_suite_covers_the_truth(kind: str, name: str) -> None:
    assert 0.93 <= coverage(kind)[name] <= 0.97
