from __future__ import annotations

import numpy as np
import pytest

from roadworthy.engine.verdict import kl_divergence, log_softmax, top_k, verdicts


def test_columns_of_a_case_worked_out_by_hand() -> None:
    # Odds 1 : 2 : 5, so probabilities 1/8, 2/8, 5/8.
    logits = np.log(np.array([[1.0, 2.0, 5.0], [1.0, 2.0, 5.0]])).astype(np.float32)
    columns = verdicts(logits, np.array([2, 1], np.int32))
    assert columns["pred"].tolist() == [2, 2]
    assert columns["correct"].tolist() == [True, False]
    assert columns["correct5"].tolist() == [True, True]
    np.testing.assert_allclose(columns["conf"], [5 / 8, 5 / 8], rtol=1e-6)
    np.testing.assert_allclose(columns["conf_label"], [5 / 8, 2 / 8], rtol=1e-6)
    np.testing.assert_allclose(columns["loss"], -np.log([5 / 8, 2 / 8]), rtol=1e-6)
    np.testing.assert_allclose(columns["margin"], [np.log(5 / 2), np.log(2 / 5)], rtol=1e-6)
    entropy = -sum(p * np.log(p) for p in (1 / 8, 2 / 8, 5 / 8))
    np.testing.assert_allclose(columns["entropy"], [entropy, entropy], rtol=1e-6)
    # Brier: (1/8)^2 + (2/8)^2 + (3/8)^2 = 14/64 for label 2; 1/64 + 36/64 + 25/64 for label 1.
    np.testing.assert_allclose(columns["brier"], [14 / 64, 62 / 64], rtol=1e-6)


def test_subset_restricts_the_arg_max_and_leaves_the_full_one() -> None:
    logits = np.array([[3.0, 2.0, 1.0]], np.float32)
    columns = verdicts(logits, np.array([1], np.int32), subset=np.array([False, True, True]))
    assert columns["correct_subset"].tolist() == [True]
    assert columns["correct_full"].tolist() == [False]
    assert columns["correct"].tolist() == [False]


@pytest.mark.parametrize("classes", [3, 8, 30, 1000])
def test_top_k_is_the_head_of_a_stable_sort(classes: int) -> None:
    rng = np.random.default_rng(0)
    logits = rng.integers(-3, 3, (200, classes)).astype(np.float32)  # many ties
    k = min(5, classes)
    expected = [sorted(range(classes), key=lambda i: (-row[i], i))[:k] for row in logits]
    assert top_k(logits, k).tolist() == expected


def test_kl_divergence_of_two_known_distributions() -> None:
    p = np.log(np.array([[0.5, 0.5]])).astype(np.float32)
    q = np.log(np.array([[0.9, 0.1]])).astype(np.float32)
    expected = 0.9 * np.log(0.9 / 0.5) + 0.1 * np.log(0.1 / 0.5)
    np.testing.assert_allclose(kl_divergence(q, p), [expected], rtol=1e-5)
    np.testing.assert_allclose(kl_divergence(p, p), [0.0], atol=1e-12)


def test_borderline_marks_small_margins_only() -> None:
    logits = np.array([[1.0, 1.0005], [1.0, 1.01]], np.float32)
    columns = verdicts(logits, np.array([0, 0], np.int32))
    assert columns["borderline"].tolist() == [True, False]


def test_log_softmax_survives_huge_logits() -> None:
    values = log_softmax(np.array([[1e30, 0.0]], np.float32))
    assert values[0, 0] == 0.0
    assert np.isfinite(values[0, 0])
