"""Intervals: known values, agreement of two ways, clusters, and what happens at the edges."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest
from metric_records import records, repeated

from roadworthy.metrics import METRICS
from roadworthy.metrics.base import Estimate, MetricDefinition
from roadworthy.metrics.bootstrap import bootstrap, rng_of
from roadworthy.metrics.catalogue import evaluate_all
from roadworthy.metrics.drop import paired_difference
from roadworthy.metrics.interval import Floats, mean, proportion, t_quantile, wilson

SUBSETS = {
    name for name, known in METRICS.items() if known.function.__module__.endswith(".subsets")
}
OF_SUBSETS = (
    *("kept", "threshold", "fraction", "minimal", "conf_target", "border", "centre"),
    *("overlap", "rank_correlation"),
)
DEPLOYMENTS = ("agreement", "mean_kl", "mcnemar_p")
SINGLE_VARIANT = {
    *(name for name in METRICS if "clever" in name or "certified" in name),
    *("abstained", "mcnemar_p"),
    *SUBSETS,
}
"""Of one variant alone, by their definition."""


def cell(
    samples: int, *, variants: int = 1, seed: int = 0, norm: str | None = None
) -> pl.DataFrame:
    """Return rows of a fair classifier whose variants share the luck of their sample."""
    draws = np.random.default_rng(seed)
    conf = np.repeat(draws.uniform(0.2, 1.0, samples), variants)
    luck = np.repeat(draws.random(samples), variants)
    pred = np.repeat(draws.integers(0, 5, samples), variants)
    return records(
        sample=[f"s{i:03d}" for i in range(samples) for _ in range(variants)],
        variant=[f"severity={v}" for _ in range(samples) for v in range(variants)],
        label=pl.Series(np.repeat(draws.integers(0, 3, samples), variants)),
        pred=pl.Series((pred + (draws.random(pred.size) < 0.2)) % 5),
        correct=pl.Series(luck < conf**2),
        correct5=pl.Series(luck < conf),
        conf=pl.Series(conf),
        loss=pl.Series(draws.gamma(1, 0.5, pred.size)),
        brier=pl.Series(draws.uniform(0, 2, pred.size)),
        norm=norm,
        **(attack(luck, variants) if norm else {}),
    )


def attack(luck: Floats, variants: int) -> dict[str, Any]:
    """Return the columns of an attack that reaches its goal on nine images of ten."""
    first = np.repeat(luck[::variants], variants)
    known = dict.fromkeys(("linf", "l2", "l1", "l0"), pl.Series(1 + np.round(900 * first)))
    return {"success": pl.Series(first < 0.9), "eps": 0.1, "frame_size": "32x32", **known}


def fitted(rows: pl.DataFrame, name: str) -> pl.DataFrame:
    """Return the rows with the columns that a metric reads beside those of every attack."""
    share, reached = pl.col("l2") / 901, pl.col("success")
    step = pl.when(reached).then(1 + (90 * share).cast(pl.Int32))
    if name.startswith("transfer_rate"):
        return rows.with_columns(
            source=pl.lit("m"), target=pl.col("label"), top5=pl.concat_list("pred", "label")
        )
    if name.startswith("success_at") or name == "median_queries":
        spent = {c: pl.lit(10_000, pl.Int32) for c in ("steps_used", "queries", "forwards")}
        return rows.with_columns(step_success=step, backwards=pl.lit(0, pl.Int32), **spent)
    if name.startswith("median_change_after"):
        near = pl.concat_list(share * 4, share * 3, share * 2, share).cast(pl.List(pl.Float32))
        return rows.with_columns(nearest_after=near, eps=pl.lit(None, pl.Float32))
    if "clever" in name:
        return rows.with_columns(clever=share, norm=pl.lit(None, pl.String))
    if "certified" in name or name == "abstained":
        answer = pl.when(reached).then(pl.col("pred") % 2 + pl.col("label") - 1)
        return rows.with_columns(certified_radius=share, certified_class=answer)
    if name in SUBSETS:
        control = "random_subset" if name == "random_subset_top1" else None
        rows = rows.with_columns(pl.col("conf").alias(column) for column in OF_SUBSETS)
        return rows.with_columns(control=pl.lit(control, pl.String), sufficient="correct")
    if name in DEPLOYMENTS:
        frames = pl.lit(None, pl.List(pl.Int32))
        return rows.with_columns(pipeline=pl.lit("other"), kl_ref="loss", frames_pred=frames)
    return rows


def norm_for(name: str) -> str:
    """Return the norm that a metric is about."""
    return next((norm for norm in ("L2", "L1", "L0") if f"median_{norm.lower()}" in name), "Linf")


def clean_of(rows: pl.DataFrame, seed: int = 5) -> pl.DataFrame:
    draws = np.random.default_rng(seed)
    first = rows.unique("sample", keep="first", maintain_order=True)
    return first.with_columns(
        stress=pl.lit("clean"),
        variant=pl.lit(""),
        pipeline=pl.lit("usual"),
        correct=pl.Series(draws.random(first.height) < 0.8),
    )


def call(definition: MetricDefinition, rows: pl.DataFrame, clean: pl.DataFrame) -> Estimate | None:
    result = definition.function(*((rows, clean) if definition.paired else (rows,)))
    assert result is None or isinstance(result, Estimate)
    return result


def test_wilson_of_known_cases() -> None:
    # Newcombe, Statistics in Medicine 17 (1998), table I: 81 of 263, 0 of 20, 1 of 29
    for hits, n, low, high in (
        (81, 263, 0.2553, 0.3662),
        (0, 20, 0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ):
        got = wilson(hits, n)
        assert float(got[0]) == pytest.approx(low, abs=1e-4)
        assert float(got[1]) == pytest.approx(high, abs=1e-4)


def test_wilson_always_contains_the_share() -> None:
    n = np.arange(1, 3000, 7)
    for hits in (0 * n, n):
        low, high = wilson(hits, n)
        assert (low <= hits / n).all()
        assert (high >= hits / n).all()
        assert (high > low).all()


def test_t_quantile_of_known_cases() -> None:
    assert t_quantile(1) == pytest.approx(12.7062, abs=1e-4)
    assert t_quantile(30) == pytest.approx(2.0423, abs=1e-4)
    assert t_quantile(10**6) == pytest.approx(1.95996, abs=1e-5)
    assert math.isinf(t_quantile(0))


def ratio_by_bootstrap(sums: Floats, counts: Floats) -> tuple[float, float]:
    def ratio(weights: Floats) -> Floats:
        return np.asarray(weights @ sums / (weights @ counts))

    return bootstrap(ratio, sums.size, rng=rng_of("ratio", sums, counts), draws=4000)


@pytest.mark.parametrize(
    "closed",
    [
        lambda s, c: proportion(s, c, scale=1.0),
        lambda s, c: mean(s, c, low=0.0),
        lambda s, c: paired_difference(s, c),
    ],
    ids=["proportion", "mean", "paired_difference"],
)
def test_bootstrap_and_closed_form_agree(closed: Callable[[Floats, Floats], Estimate]) -> None:
    draws = np.random.default_rng(3)
    counts = draws.integers(1, 6, 500).astype(float)
    sums = draws.binomial(counts.astype(int), draws.beta(0.6, 0.6, 500)).astype(float)
    got, (low, high) = closed(sums, counts), ratio_by_bootstrap(sums, counts)
    assert got.low is not None
    assert got.high is not None
    scale = 100.0 if got.high > 1 else 1.0
    assert got.low / scale == pytest.approx(low, abs=0.05 * (high - low))
    assert got.high / scale == pytest.approx(high, abs=0.05 * (high - low))


def test_bootstrap_and_closed_form_of_aurc_agree() -> None:
    rows = cell(500, seed=8)
    got = METRICS["aurc"].function(rows)
    order = rows.sort("conf", descending=True)
    wrong = 1.0 - order["correct"].cast(pl.Float64).to_numpy()

    def area(weights: Floats) -> Floats:  # a sample drawn twice holds two ranks, near enough
        covered = np.cumsum(weights, axis=1)
        risk = np.cumsum(weights * wrong, axis=1) / np.maximum(covered, 1)
        return np.asarray((risk * weights).sum(axis=1) / 500)

    low, high = bootstrap(area, 500, rng=rng_of("aurc", wrong))
    assert got is not None
    assert got.low == pytest.approx(100 * low, abs=12 * (high - low))
    assert got.high == pytest.approx(100 * high, abs=12 * (high - low))


def test_bootstrap_repeats_itself_and_has_no_interval_for_one() -> None:
    sums, counts = np.arange(50.0), np.full(50, 60.0)
    assert ratio_by_bootstrap(sums, counts) == ratio_by_bootstrap(sums, counts)
    assert ratio_by_bootstrap(sums, counts) != ratio_by_bootstrap(sums[::-1].copy(), counts)
    assert all(math.isnan(b) for b in ratio_by_bootstrap(np.ones(1), np.ones(1)))


SEQUENCES = ("flip_probability", "t5d", "zipf_distance")
SEVERITIES = ("mean_error", "curve_area")


@pytest.mark.parametrize("name", sorted({*METRICS} - {*SEQUENCES, *SEVERITIES, *SINGLE_VARIANT}))
def test_repeated_variants_do_not_shorten_an_interval(name: str) -> None:
    once = fitted(cell(60, norm=norm_for(name)), name)
    clean, definition = clean_of(once), METRICS[name]
    alone, thrice = call(definition, once, clean), call(definition, repeated(once, 3), clean)
    assert alone is not None
    assert thrice is not None
    # the first of the ranks that aurc averages over are finer by a third
    assert thrice.value == pytest.approx(alone.value, rel=0.02 if name == "aurc" else 1e-6)
    assert thrice.n == alone.n == 60
    assert alone.high is not None and alone.low is not None  # noqa: PT018
    assert thrice.high is not None and thrice.low is not None  # noqa: PT018
    assert 0.98 < (thrice.high - thrice.low) / (alone.high - alone.low) < 1.1


def test_clustered_interval_of_one_row_each_is_wilsons() -> None:
    one, hits = np.ones(40), (np.arange(40) < 31).astype(float)
    low, high = wilson(31, 40)
    assert proportion(hits, one) == Estimate(77.5, 100 * float(low), 100 * float(high), 40)


def test_unequal_cluster_sizes_enter_the_variance() -> None:
    # 1 of 1 and 1 of 3: ratio 1/2; influences (1 - 1/2)·2/4 = 1/4 and (1 - 3/2)·2/4 = -1/4;
    # error sqrt(2/16 / 2) = 1/4, t(1) = 12.706
    got = mean(np.array([1.0, 1.0]), np.array([1.0, 3.0]))
    assert got.value == 0.5
    assert got.high == pytest.approx(0.5 + 12.706 / 4, abs=1e-3)


def test_without_spread_only_samples_count() -> None:
    # 20 samples of 5 rows, all right: Wilson for 20 of 20 (with a t quantile), never [100, 100]
    got = proportion(np.full(20, 5.0), np.full(20, 5.0))
    assert got.low == pytest.approx(100 / (1 + t_quantile(19) ** 2 / 20))
    assert got.high == 100.0
    alike = proportion(np.full(20, 2.0), np.full(20, 4.0))  # half of every sample
    assert alike.low is not None
    assert alike.low < 35
    rounded = proportion(np.ones(20), np.full(20, 49.0))  # 49 · (1 / 49) < 1
    assert rounded.high is not None
    assert rounded.high > 15
    assert mean(np.ones(9), np.ones(9), low=0, high=2).low == pytest.approx(
        2 * float(wilson(4.5, 9)[0])
    )
    assert mean(np.ones(9), np.ones(9)) == Estimate(1.0, None, None, 9)


@pytest.mark.parametrize("name", METRICS)
def test_order_of_rows_changes_nothing(name: str) -> None:
    variants = 1 if name in SINGLE_VARIANT else 3
    rows = fitted(cell(80, variants=variants, norm=norm_for(name)), name).with_columns(
        frames_pred=pl.lit(None, dtype=pl.List(pl.Int32))
    )
    if name in SEQUENCES:
        rows = records(
            frames_flip=[[i % 2 == 0, i % 3 == 0, i % 5 == 0] for i in range(50)],
            frames_top5_distance=[[i % 16, i % 7] for i in range(50)],
            frames_zipf=[[i % 16 / 10, 1 / (i + 1)] for i in range(50)],
        )
    if name in SEVERITIES:
        rows = cell(80, variants=5).with_columns(severity=pl.int_range(pl.len()) % 5 + 1)
    clean, definition = clean_of(rows), METRICS[name]
    straight = call(definition, rows, clean)
    assert straight is not None
    for seed in range(3):
        mixed = rows.sample(fraction=1, shuffle=True, seed=seed)
        other = clean.sample(fraction=1, shuffle=True, seed=seed + 9)
        assert call(definition, mixed, other) == straight


@pytest.mark.parametrize("samples", [0, 1, 2, 3])
@pytest.mark.parametrize("right", [True, False])
@pytest.mark.parametrize("conf", [0.0, 0.4, 1.0])
def test_few_samples_give_no_nan(samples: int, right: bool, conf: float) -> None:
    rows = records(
        sample=[str(i) for i in range(samples)],
        correct=[right] * samples,
        correct5=[right] * samples,
        pred=[1] * samples,
        conf=[conf] * samples,
        loss=[0.0] * samples,
        brier=[0.0] * samples,
        norm=["L2"] * samples,
        frames_pred=[[1, 1]] * samples,
    )
    clean = rows.with_columns(stress=pl.lit("clean"))
    for frame in (rows, repeated(rows, 2)):
        for definition, got in evaluate_all(frame, clean):
            numbers = [x for x in (got.value, got.low, got.high) if x is not None]
            assert all(math.isfinite(x) for x in numbers), definition.name
            assert got.n == samples, definition.name
            assert (got.value is None) == (samples == 0), definition.name
            if got.value is not None and got.low is not None and got.high is not None:
                assert got.low <= got.value <= got.high, definition.name
                assert got.low < got.high, definition.name


def test_infinite_and_missing_numbers_become_none() -> None:
    for bad in (math.inf, math.nan):
        rows = records(loss=[0.5, bad], conf=[0.5, bad], correct=[True, False])
        assert METRICS["nll"].function(rows) == Estimate(None, None, None, 2)
        for name in ("ece", "aurc", "coverage_at_risk"):
            got = METRICS[name].function(rows)
            assert got is not None
            assert all(x is None or math.isfinite(x) for x in (got.value, got.low, got.high))


@pytest.mark.parametrize("name", METRICS)
def test_rows_without_the_columns_give_nothing(name: str) -> None:
    rows = records(sample=["a", "b"])
    assert call(METRICS[name], rows, rows) is None


def test_no_common_samples_is_no_value() -> None:
    rows = records(sample=["a"], pred=[1], correct=[True])
    clean = records(stress="clean", sample=["b"], pred=[1], correct=[True])
    for name in ("drop", "disagreement"):
        assert METRICS[name].function(rows, clean) == Estimate(None, None, None, 0)


def test_calibrated_model_has_an_error_that_may_be_zero() -> None:
    draws, lows = np.random.default_rng(4), []
    for _ in range(300):
        conf = draws.beta(3, 1, 500).astype(np.float32)
        rows = records(conf=pl.Series(conf), correct=pl.Series(draws.random(500) < conf))
        got = METRICS["ece"].function(rows)
        assert got is not None
        assert got.value > 0
        lows.append(got.low)
    assert np.mean(np.array(lows) == 0) >= 0.93
