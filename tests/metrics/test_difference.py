"""Paired differences against closed forms, the bootstrap, and what must hold whatever the numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from metric_records import records
from scipy import stats
from suite_records import alexnet, constant, corruption_suite

from roadworthy.errors import UsageError
from roadworthy.metrics import METRICS
from roadworthy.metrics.base import FRACTIONS, Estimate, Statistic
from roadworthy.metrics.corruption_error import CORRUPTIONS
from roadworthy.metrics.difference import correlation, difference, pair
from roadworthy.metrics.order import median
from roadworthy.metrics.suite import suite_metrics


def between(name: str, a: pl.DataFrame, b: pl.DataFrame, *more: pl.DataFrame) -> Estimate:
    """Return the difference of one metric, as a comparison computes it."""
    metric = METRICS[name]
    assert metric.contributions is not None
    one, other = (metric.function(frame, *more) for frame in (a, b))
    given = [metric.contributions(frame, *more) for frame in (a, b)]
    found = pair(given[0], given[1])
    return difference(one, other, found, unit=metric.unit, statistic=metric.statistic)


def numbers(found: Estimate) -> tuple[float, float, float]:
    assert found.value is not None
    assert found.low is not None
    assert found.high is not None
    return found.value, found.low, found.high


def test_a_difference_of_means_is_that_of_students_paired_test() -> None:
    draws = np.random.default_rng(3)
    hard = draws.gamma(2.0, 1.0, 60)
    a, b = hard + draws.normal(5, 0.3, 60), 1.2 * hard + draws.normal(5, 0.3, 60)
    found = between("nll", *(records(loss=pl.Series(v), correct=True, variant="") for v in (a, b)))
    a, b = a.astype(np.float32).astype(float), b.astype(np.float32).astype(float)
    expected = stats.ttest_rel(b, a).confidence_interval(0.95)
    assert numbers(found) == pytest.approx(((b - a).mean(), expected.low, expected.high))
    assert found.n == 60


def test_a_difference_of_accuracies_is_minus_the_drop_from_one_to_the_other() -> None:
    draws = np.random.default_rng(4)
    before, after = draws.random(80) < 0.8, draws.random(80) < 0.6
    a = records(stress="clean", correct=pl.Series(before))
    b = records(correct=pl.Series(after))
    found, drop = between("top1", a, b), METRICS["drop"].function(b, a)
    assert numbers(found) == pytest.approx((-drop.value, -drop.high, -drop.low))


def test_models_that_agree_on_every_image_may_still_differ() -> None:
    for name, columns in (
        ("top1", {"correct": [True] * 40}),
        ("mean_error", {"correct": [True, False] * 20, "severity": [1, 2] * 20}),
    ):
        sample = [f"s{i // 2}" for i in range(40)]
        frame = records(**columns, sample=sample)
        found = between(name, frame, frame)
        assert found.value == 0
        assert found.low == pytest.approx(-float(found.high or 0))
        assert float(found.high or 0) > 1


def attacked(draws: np.random.Generator, hard: Any, skill: float) -> pl.DataFrame:
    clean = draws.random(hard.size) < 1 - hard * (1 - skill)
    success = draws.random(hard.size) < 0.2 + 0.7 * hard * (1.3 - skill)
    return records(
        status=["ok" if c else "clean_error" for c in clean],
        success=pl.Series([bool(s) if c else None for s, c in zip(success, clean, strict=True)]),
        correct=pl.Series(clean & ~success),
        norm="Linf",
        eps=0.1,
        linf=pl.Series(np.where(success, hard + 0.1, 1.0)),
        variant="",
    )


def test_rates_over_different_images_are_paired_as_the_bootstrap_does() -> None:
    """Each model is attacked where it is right: the sets overlap, but are not the same."""
    draws = np.random.default_rng(5)
    hard = draws.random(600)
    a, b = (attacked(draws, hard, skill) for skill in (0.8, 0.5))
    found = between("success_rate", a, b)

    def rate(frame: pl.DataFrame, weights: Any) -> Any:
        tried = (frame["status"] == "ok").to_numpy()
        reached = frame["success"].fill_null(value=False).to_numpy()
        return 100 * (weights @ reached) / (weights @ tried)

    weights = draws.multinomial(600, np.full(600, 1 / 600), 4000)
    low, high = np.quantile(rate(b, weights) - rate(a, weights), [0.025, 0.975])
    assert found.low == pytest.approx(low, abs=0.08 * (high - low))
    assert found.high == pytest.approx(high, abs=0.08 * (high - low))


def test_medians_are_paired_about_as_the_bootstrap_does() -> None:
    draws = np.random.default_rng(6)
    common = draws.lognormal(-1, 1, 900)
    a, b = common * draws.lognormal(0, 0.2, 900), 0.7 * common * draws.lognormal(0, 0.2, 900)
    b[:90] = np.inf
    frames = [pl.DataFrame({"sample": range(900), "value": v}) for v in (a, b)]
    found = difference(
        median(a), median(b), pair(frames[0], frames[1]), unit="none", statistic="median"
    )
    chosen = draws.integers(0, 900, (3000, 900))
    resampled = np.median(b[chosen], axis=1) - np.median(a[chosen], axis=1)
    low, high = np.quantile(resampled, [0.025, 0.975])
    assert found.value == pytest.approx(np.median(b) - np.median(a))
    assert found.low == pytest.approx(low, abs=0.25 * (high - low))
    assert found.high == pytest.approx(high, abs=0.25 * (high - low))


def test_what_is_infinite_or_unknown_has_no_difference() -> None:
    known, unknown = Estimate(1.0, 0.5, 2.0, 9), Estimate(None, 3.0, None, 9, "it held")
    nothing = difference(known, unknown, None, unit="none")
    assert (nothing.value, nothing.low, nothing.high, nothing.reason) == (
        None,
        None,
        None,
        "it held",
    )
    open_ended = Estimate(1.0, 0.5, None, 9)
    half = difference(known, open_ended, None, unit="none")
    assert (half.value, half.high) == (0.0, None)
    assert half.low == pytest.approx(-np.hypot(0.5, 1.0))


def test_without_contributions_the_ends_add_as_those_of_independent_runs() -> None:
    found = difference(Estimate(10, 7, 12, 5), Estimate(20, 16, 25, 5), None, unit="none")
    assert (found.value, found.low, found.high) == (10, 10 - np.hypot(4, 2), 10 + np.hypot(5, 3))


verdicts = st.lists(
    st.tuples(st.sampled_from("abcdefgh"), st.floats(0, 1), st.floats(0, 1)),
    min_size=2,
    max_size=30,
)


@given(verdicts, st.sampled_from(["mean", "median"]), st.sampled_from(["percent", "none"]))
def test_swapped_runs_have_the_mirror_image(
    rows: list[tuple[str, float, float]], statistic: Statistic, unit: str
) -> None:
    known = {sample: (a, b) for sample, a, b in rows}
    frames = [
        pl.DataFrame({"sample": list(known), "value": [v[i] for v in known.values()]})
        for i in (0, 1)
    ]
    middle = np.mean if statistic == "mean" else np.median
    ends = [float(middle(frame["value"].to_numpy())) for frame in frames]
    a, b = (Estimate(v, v - 0.1, v + 0.3 * (1 + v), len(known)) for v in ends)
    there = difference(a, b, pair(*frames), unit=unit, statistic=statistic)
    back = difference(b, a, pair(*reversed(frames)), unit=unit, statistic=statistic)
    value, low, high = numbers(there)
    assert numbers(back) == pytest.approx((-value, -high, -low), abs=1e-9)
    assert low <= value <= high


def test_influences_of_samples_in_one_run_only_do_not_count_for_both() -> None:
    a = pl.DataFrame({"sample": [1, 2, 3, 4], "value": [0.0, 1.0, 0.0, 1.0]})
    b = pl.DataFrame({"sample": [5, 6, 7, 8], "value": [0.0, 1.0, 0.0, 1.0]})
    assert correlation(_pair(a, b), "mean") == 0
    assert correlation(_pair(a, a), "mean") == pytest.approx(1)
    assert correlation(
        _pair(a, a.with_columns(value=1 - pl.col("value"))), "mean"
    ) == pytest.approx(-1)


def _pair(a: pl.DataFrame, b: pl.DataFrame) -> Any:
    return pair(a, b)


@pytest.mark.parametrize("name", sorted(suite_metrics("corruptions")))
def test_contributions_of_suites_have_the_metric_as_their_mean(name: str) -> None:
    values = dict(zip(CORRUPTIONS, np.linspace(20, 80, 15), strict=True))
    cells = corruption_suite(constant(values), 200, baseline=alexnet())
    definition = suite_metrics("corruptions")[name]
    assert definition.contributions is not None
    for asked in [(cells, s) for s in cells.stresses] if definition.each else [(cells,)]:
        estimate, each = definition.function(*asked), definition.contributions(*asked)
        if each is None:  # written by a metric that is not a sum of means
            continue
        scale = 100 if definition.unit in FRACTIONS else 1
        assert len(each) == 200
        assert scale * float(each["value"].to_numpy().mean()) == pytest.approx(estimate.value)


def test_contributions_of_a_suite_say_what_is_missing() -> None:
    cells = corruption_suite(constant(dict.fromkeys(CORRUPTIONS, 40.0)), 20)
    contributions = suite_metrics("corruptions")["mce"].contributions
    assert contributions is not None
    with pytest.raises(UsageError, match="no baseline"):
        contributions(cells)
