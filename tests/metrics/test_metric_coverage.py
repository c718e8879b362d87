"""95 % intervals contain the truth in 93 to 97 % of made-up runs, for every metric there is."""

from __future__ import annotations

from functools import cache

import numpy as np
import polars as pl
import pytest
from metric_populations import Population, Runs, population, simulate, truths
from metric_records import records
from test_metric_intervals import SUBSETS

from roadworthy.metrics import METRICS
from roadworthy.metrics.calibration import bins_of
from roadworthy.metrics.interval import wilson

RUNS, SAMPLES = 800, 400
SEQUENCES = ("flip_probability", "t5d", "zipf_distance")
ATTACKED = ("robust_top1", "success_rate")
FRAMES = {
    "median_l2": "changes",
    **dict.fromkeys(ATTACKED, "attacked"),
    **dict.fromkeys(SEQUENCES, "sequences"),
}
LIKE_L2 = {
    f"median_{norm}{unit}" for norm in ("linf", "l2", "l1", "l0") for unit in ("", "_per_pixel")
} - {"median_l2"}
"""The same computation on another column: compared with each other in test_attack_metrics.py."""

QUERIES = (100, 1000, 5000, 10000)
LIKE_OTHERS = {
    "median_queries",
    *(f"success_at_{queries}_queries" for queries in QUERIES),
    *(f"median_change_after_{queries}_queries" for queries in QUERIES),
    *("transfer_rate", "transfer_rate_top5"),
    *("clever", "median_clever", "clever_per_pixel"),
    *("certified_top1", "abstained", "certified_radius", "median_certified_radius"),
    *("agreement", "mean_kl"),
    *SUBSETS,
}
"""The computations of median_l2, success_rate and nll on columns that their own tests make."""

WITHOUT_INTERVAL = {"mcnemar_p"}

FIVE = ("curve_area",)  # needs every severity
# what the number of rows a sample changes the formula of; the others have one branch
SINGLE = ("top1", "median_l2", "worst_class_top1", "ece", "aurc", "coverage_at_risk")


@cache
def people_and_runs(variants: int) -> tuple[Population, Runs]:
    people = population(variants)
    return people, simulate(people, runs=RUNS, samples=SAMPLES)


def coverage(name: str, variants: int) -> float:
    people, runs = people_and_runs(variants)
    known = truths(people)
    if name not in known:
        pytest.fail(f"metric '{name}' has no truth in tests/metrics/metric_populations.py: add one")
    definition, frame, hits = METRICS[name], getattr(runs, FRAMES.get(name, "rows")), 0
    for run in range(RUNS):
        rows = runs.of(frame, run)
        result = definition.function(
            *((rows, runs.of(runs.clean, run)) if definition.paired else (rows,))
        )
        hits += result.low <= known[name] <= result.high
    return hits / RUNS


@pytest.mark.parametrize("name", sorted({*METRICS} - LIKE_L2 - LIKE_OTHERS - WITHOUT_INTERVAL))
def test_interval_covers_the_truth_with_several_rows_a_sample(name: str) -> None:
    assert 0.93 <= coverage(name, 5 if name in FIVE else 3) <= 0.97


@pytest.mark.parametrize("name", SINGLE)
def test_interval_covers_the_truth_with_one_row_a_sample(name: str) -> None:
    assert 0.93 <= coverage(name, 1) <= 0.97


def test_interval_of_ece_covers_where_noise_is_half_of_the_value() -> None:
    """Mild overconfidence: the mean value is 3.2 for a truth of 2.0, the interval must see through."""
    draws = np.random.default_rng(1)
    distance = np.abs(draws.normal(1.0, 1.6, 20_000))
    conf = np.minimum(1 / (1 + np.exp(-1.5 * distance)), 0.9999).astype(np.float32)
    right = 1 / (1 + np.exp(-1.3 * distance))
    gap = np.bincount(bins_of(conf.astype(np.float64)), weights=right - conf)
    truth, hits, values = 100 * np.abs(gap).sum() / conf.size, 0, []
    everyone = records(sample=[f"{i:04d}" for i in range(1000)])
    for _ in range(RUNS):
        drawn = draws.integers(0, conf.size, 1000)
        hit = draws.random(1000) < right[drawn]
        got = METRICS["ece"].function(
            everyone.with_columns(conf=pl.Series(conf[drawn]), correct=pl.Series(hit))
        )
        hits += got.low <= truth <= got.high
        values.append(got.value)
    assert np.mean(values) > 1.5 * truth
    assert 0.93 <= hits / RUNS <= 0.97


def test_rows_taken_for_samples_would_not_cover() -> None:
    people, runs = people_and_runs(3)
    hits = runs.rows["correct"].to_numpy().reshape(RUNS, -1).sum(axis=1)
    low, high = wilson(hits, np.full(RUNS, 3 * SAMPLES))
    truth = people.right.mean()
    assert np.mean((low <= truth) & (truth <= high)) < 0.9
