"""Every metric on records small enough to work out on paper."""

from __future__ import annotations

import math
from typing import Any

import polars as pl
import pytest
from metric_records import records

from roadworthy.metrics import METRICS
from roadworthy.metrics.base import Estimate
from roadworthy.metrics.per_class import per_class

T, F = True, False


def evaluated(name: str, *frames: pl.DataFrame) -> Estimate:
    result = METRICS[name].function(*frames)
    assert isinstance(result, Estimate)
    return result


def value(name: str, *frames: pl.DataFrame) -> Any:
    return evaluated(name, *frames).value


def test_top1_is_the_share_of_right_rows() -> None:
    got = evaluated("top1", records(correct=[T, T, T, F]))
    assert got.value == 75.0  # 3 of 4
    assert got.n == 4


def test_top1_leaves_out_rows_without_a_verdict() -> None:
    got = evaluated("top1", records(correct=[T, F, None]))
    assert (got.value, got.n) == (50.0, 2)


def test_top1_counts_what_was_wrong_before_the_attack_as_wrong() -> None:
    rows = records(correct=[T, None, T], status=["ok", "clean_error", "clean_error"])
    assert value("top1", rows) == pytest.approx(100 / 3)  # only the first is right


def test_top1_of_sequences_counts_frames() -> None:
    rows = records(frames_correct=[[T, T, F], [T, F, F], None], correct=[None, None, T])
    got = evaluated("top1", rows)
    assert got.value == pytest.approx(100 * 4 / 7)  # 2 + 1 frames and one image, of 7
    assert got.n == 3


def test_top5() -> None:
    assert value("top5", records(correct=[F, F, T], correct5=[T, F, T])) == pytest.approx(200 / 3)


def test_robust_top1_needs_the_clean_verdict_and_a_norm() -> None:
    status = ["ok", "ok", "clean_error", "ok"]
    rows = records(correct=[T, F, T, T], status=status, norm="Linf")
    assert value("robust_top1", rows) == 50.0  # rows 1 and 4 of 4
    assert METRICS["robust_top1"].function(rows.with_columns(norm=pl.lit(None))) is None


def test_robust_top1_counts_clean_errors_that_have_no_norm() -> None:
    rows = records(
        correct=[T, None], status=["ok", "clean_error"], norm=["L2", None], sample=["a", "b"]
    )
    assert value("robust_top1", rows) == 50.0


def test_disagreement_is_paired_by_sample() -> None:
    clean = records(stress="clean", sample=["a", "b", "c", "x"], pred=[1, 2, 3, 9])
    rows = records(sample=["c", "b", "a", "y"], pred=[3, 7, 5, 9])
    got = evaluated("disagreement", rows, clean)
    assert got.value == pytest.approx(200 / 3)  # a and b changed, c did not; x and y are alone
    assert got.n == 3


def test_disagreement_of_a_sequence_counts_frames_unlike_the_clean_image() -> None:
    clean = records(stress="clean", sample=["a", "b"], pred=[1, 2])
    rows = records(sample=["a", "b"], frames_pred=[[1, 1, 4], [2, 3, 3]])
    assert value("disagreement", rows, clean) == pytest.approx(50.0)  # (1 + 2) of 6 frames


def test_flips_are_meant_over_the_comparisons_of_each_sequence() -> None:
    rows = records(
        frames_flip=[[F, T, T], [F], None, []], frames_pred=[[1, 1, 2, 1], [5, 5], [3], []]
    )
    got = evaluated("flip_probability", rows)
    assert got.value == pytest.approx(100 * (2 / 3 + 0) / 2)  # not 2 of 4
    assert got.n == 2
    assert METRICS["flip_probability"].function(records(frames_flip=[None, []])) is None


def test_distances_of_rankings_are_meant_over_the_comparisons_of_each_sequence() -> None:
    rows = records(frames_top5_distance=[[1, 2, 15], [0, 0], None], frames_zipf=[[0.5], [0.25], []])
    assert value("t5d", rows) == pytest.approx((6 + 0) / 2)
    assert value("zipf_distance", rows) == pytest.approx(0.375)
    assert evaluated("t5d", rows).n == 2


def corrupted(*right: tuple[int, ...]) -> pl.DataFrame:
    """Return one sample for each argument: 1 where it is right at severity 1, 2, ..."""
    judged = [(i, s, bool(r)) for i, own in enumerate(right) for s, r in enumerate(own, start=1)]
    return records(
        sample=[f"s{i}" for i, _, _ in judged],
        severity=[s for _, s, _ in judged],
        variant=[f"severity={s}" for _, s, _ in judged],
        correct=[r for _, _, r in judged],
    )


def test_mean_error_is_over_the_severities_of_samples_that_have_all() -> None:
    rows = corrupted((1, 1, 0), (1, 0, 0), (0, 0))
    got = evaluated("mean_error", rows)
    assert got.value == pytest.approx(50.0)  # 3 of 6
    assert got.n == 2  # the third sample has no severity 3
    assert METRICS["mean_error"].function(corrupted((1,), (0,))) is None
    assert METRICS["mean_error"].function(records(correct=[T, F])) is None


def test_curve_area_counts_both_ends_half() -> None:
    # accuracies 1, 1, 1/2, 1/2, 0: (1/2 + 1 + 1/2 + 1/2 + 0) / 4
    rows = corrupted((1, 1, 1, 1, 0), (1, 1, 0, 0, 0))
    assert value("curve_area", rows) == pytest.approx(100 * 2.5 / 4)
    assert value("curve_area", corrupted((1, 1, 1, 1, 1))) == pytest.approx(100.0)
    assert METRICS["curve_area"].function(corrupted((1, 1, 1))) is None


def test_drop_is_positive_where_the_stress_hurts() -> None:
    clean = records(stress="clean", sample=["a", "b", "c", "d", "x"], correct=[T, T, T, F, F])
    rows = records(sample=["a", "b", "c", "d"], correct=[F, F, T, T])
    got = evaluated("drop", rows, clean)
    assert got.value == pytest.approx(25.0)  # 75 - 50 on a..d; with x it would be 60 - 50
    assert got.n == 4


def test_drop_pairs_every_variant_with_its_own_clean_image() -> None:
    clean = records(stress="clean", sample=["a", "b"], correct=[T, F])
    rows = records(sample=["a", "a", "a", "b"], correct=[T, F, F, F])
    assert value("drop", rows, clean) == pytest.approx(50.0)  # (0 + 1 + 1 + 0) / 4


def test_drop_interval_of_unchanged_verdicts() -> None:
    clean = records(stress="clean", correct=[T] * 8)
    got = evaluated("drop", records(correct=[T] * 8), clean)
    assert got.value == 0.0
    # ten with two pseudo-samples, half an observation each at +1 and -1: variance 1 / 10²;
    # t with 9 degrees of freedom 2.2622
    assert got.low == pytest.approx(-22.622, abs=1e-3)
    assert got.high == pytest.approx(22.622, abs=1e-3)


def test_drop_interval_where_everything_is_lost() -> None:
    clean = records(stress="clean", correct=[T] * 8)
    got = evaluated("drop", records(correct=[F] * 8), clean)
    # centre 8 / 10; squares: 8 · .2², pseudo-samples (.2² + 1.8²) / 2 and .8²: .32 + 1.64 + .64;
    # half width 2.2622 · sqrt(2.6) / 10 = .3648
    assert got.value == 100.0
    assert got.low == pytest.approx(80 - 36.48, abs=1e-2)
    assert got.high == 100.0


@pytest.mark.parametrize("name", ["disagreement", "drop"])
def test_clean_is_not_compared_with_itself(name: str) -> None:
    clean = records(stress="clean", pred=[1, 2], correct=[T, F])
    assert METRICS[name].function(clean, clean) is None


def test_nll_and_brier_are_means_of_their_columns() -> None:
    rows = records(loss=[0.5, 1.0, 3.0], brier=[0.0, 0.5, 1.5])
    got = evaluated("nll", rows)
    assert got.value == pytest.approx(1.5)
    assert value("brier", rows) == pytest.approx(2 / 3)
    # deviations -1, -.5, 1.5: variance 3.5 / 2, error sqrt(1.75 / 3) = .7638; t(2) = 4.3027
    assert got.high == pytest.approx(1.5 + 4.3027 * 0.7638, abs=1e-3)
    assert got.low == 0.0  # 1.5 - 3.29 is outside


def test_ece_sums_absolute_gaps_of_bins() -> None:
    # bin (13/15, 14/15]: .9, .9, 1 right of 2: |1 - 1.8| = .8; bin (7/15, 8/15]: .5, .5, both
    # right: |2 - 1| = 1; together 1.8 / 4
    rows = records(conf=[0.9, 0.9, 0.5, 0.5], correct=[T, F, T, T])
    assert value("ece", rows) == pytest.approx(45.0, abs=1e-5)


def test_ece_bins_are_closed_on_the_right() -> None:
    # .2 = 3/15 belongs to the bin that ends there, with .15: |1 + 0 - .35| = .65, of 2;
    # in two bins it would be (.8 + .15) / 2
    rows = records(conf=[0.2, 0.15], correct=[T, F])
    assert value("ece", rows) == pytest.approx(32.5, abs=1e-5)


def test_aurc_averages_the_selective_risk() -> None:
    # most confident first: right, wrong, right, wrong: risks 0, 1/2, 1/3, 2/4
    rows = records(conf=[0.6, 0.9, 0.7, 0.8], correct=[F, T, T, F])
    assert value("aurc", rows) == pytest.approx(100 * (0 + 1 / 2 + 1 / 3 + 1 / 2) / 4)


def test_aurc_shares_errors_among_equal_confidences() -> None:
    # the tied pair counts half an error each: risks 1/2, 1/2, 1/3
    expected = 100 * (1 / 2 + 1 / 2 + 1 / 3) / 3
    for first, second in ((T, F), (F, T)):
        rows = records(conf=[0.9, 0.9, 0.3], correct=[first, second, T])
        assert value("aurc", rows) == pytest.approx(expected)


def test_coverage_at_risk_is_the_last_crossing() -> None:
    # wrong at ranks 1 and 41 of 60: risk 1/20 at 20, 1/40 at 40, 2/41 = 4.9 % at 41, 2/60 at 60
    conf = [1 - i / 100 for i in range(60)]
    correct = [i not in (0, 40) for i in range(60)]
    assert value("coverage_at_risk", records(conf=conf, correct=correct)) == 100.0
    # a third one at rank 42: 3/42 = 7.1 %, and 3/60 = 5 % exactly, which is allowed
    correct[41] = F
    assert value("coverage_at_risk", records(conf=conf, correct=correct)) == 100.0
    # a fourth one at rank 50: below 5 % only up to rank 41
    correct[49] = F
    got = evaluated("coverage_at_risk", records(conf=conf, correct=correct))
    assert got.value == pytest.approx(100 * 41 / 60)


def test_coverage_at_risk_cannot_stop_inside_a_tie() -> None:
    rows = records(conf=[0.9] * 10, correct=[T] * 9 + [F])
    assert value("coverage_at_risk", rows) == 0.0  # all ten or none, and ten are 10 % wrong


def test_worst_class() -> None:
    rows = records(label=[0, 0, 0, 0, 7, 7, 7, 7], correct=[T, T, T, F, T, F, F, F])
    got = evaluated("worst_class_top1", rows)
    assert (got.value, got.n) == (25.0, 8)  # class 0: 3 of 4, class 7: 1 of 4


def test_per_class_table() -> None:
    rows = records(
        sample=["a", "b", "c", "c"], label=[3, 3, 1, 1], correct=[T, F, T, T], variant=[*"0001"]
    )
    table = per_class(rows)
    assert table["label"].to_list() == [1, 3]
    assert table["n"].to_list() == [1, 2]  # c is one sample with two variants
    assert table["top1"].to_list() == [100.0, 50.0]
    # Wilson, z² = 3.8415: 1 of 1 from 1 / (1 + z²); 1 of 2 is .5 ± z/2 / sqrt(2 + z²)
    assert table["low"][0] == pytest.approx(100 / 4.8415, abs=1e-3)
    half = 100 * 0.97998 / math.sqrt(2 + 3.8415)
    assert table["high"][1] == pytest.approx(50 + half, abs=1e-2)


def test_per_class_of_nothing_keeps_its_columns() -> None:
    table = per_class(records())
    assert table.is_empty()
    assert table.columns == ["label", "n", "top1", "low", "high"]
