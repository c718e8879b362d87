"""McNemar's exact test, Holm's correction and the smallest difference that would be noticed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from roadworthy.errors import UsageError
from roadworthy.metrics.mcnemar import (
    Discordant,
    detectable_difference,
    discordant,
    exact_mcnemar,
    holm,
)

COUNTS = st.integers(0, 60)


@given(lost=COUNTS, gained=COUNTS)
def test_it_is_the_binomial_test_of_a_fair_coin(lost: int, gained: int) -> None:
    """SciPy's own two-sided test on the verdicts that changed."""
    expected = binomtest(lost, lost + gained, 0.5).pvalue if lost + gained else 1.0
    assert exact_mcnemar(lost, gained) == pytest.approx(expected, rel=1e-9)


def test_p_by_hand() -> None:
    """Nine lost and one gained: 2 · (1 + 10) / 1024; alike is 1; many of them do not overflow."""
    assert exact_mcnemar(9, 1) == pytest.approx(22 / 1024)
    assert exact_mcnemar(1, 9) == exact_mcnemar(9, 1)
    assert exact_mcnemar(4, 4) == 1.0
    assert exact_mcnemar(0, 0) == 1.0
    assert 0 < exact_mcnemar(2_200, 1_800) < 1e-9


def test_counts_of_changed_sides() -> None:
    """Right before and wrong after is lost."""
    found = discordant([True, True, False, False, True], [True, False, True, False, False])
    assert found == Discordant(lost=2, gained=1, n=5)
    assert found.both == 3


def test_verdicts_that_do_not_pair_are_refused() -> None:
    """Other lengths, or a table of verdicts."""
    with pytest.raises(UsageError, match=r"\(3,\) and \(2,\)"):
        discordant([True] * 3, [True] * 2)
    with pytest.raises(UsageError, match="one verdict an image"):
        discordant(np.ones((2, 2)), np.ones((2, 2)))
    with pytest.raises(UsageError, match="0 or more"):
        exact_mcnemar(-1, 2)


def test_holm_by_hand() -> None:
    """Four p-values: the smallest times 4, the next times 3, and none smaller than one before."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_lies_between_nothing_and_bonferroni(p_values: list[float]) -> None:
    """It keeps the order and never goes beyond m · p, which the smallest has exactly."""
    corrected = holm(p_values)
    m = len(p_values)
    pairs = sorted(zip(p_values, corrected, strict=True))
    assert all(p <= c <= min(1.0, m * p) for p, c in pairs)
    assert [c for _, c in pairs] == sorted(corrected)
    assert pairs[0][1] == min(1.0, m * pairs[0][0])


def test_holm_errs_in_one_study_of_twenty() -> None:
    """Six true hypotheses, tests that share samples: any error in at most 5 % of studies."""
    rng, studies, n = np.random.default_rng(7), 1500, 80
    wrong = 0
    for _ in range(studies):
        before = rng.random(n) < 0.8
        shared = rng.random(n) < 0.1
        p_values = []
        for _ in range(6):
            flips = shared ^ (rng.random(n) < 0.05)
            coins = rng.random(n) < 0.5
            found = discordant(np.where(flips, coins, before), np.where(flips, ~coins, before))
            p_values.append(exact_mcnemar(found.lost, found.gained))
        wrong += min(holm(p_values)) < 0.05
    assert wrong / studies <= 0.06


@pytest.mark.parametrize(
    ("flips", "points", "n"), [(0.03, 0.5, 9_408), (0.03, 1.0, 2_352), (0.03, 1.53, 1_000)]
)
def test_the_published_examples_of_what_is_noticed(flips: float, points: float, n: int) -> None:
    """Flips of 3 %: half a point needs 9,400 images, a point 2,350; 1,000 show 1.5 points."""
    lost = round(flips * n)
    found = detectable_difference(Discordant(lost, 0, n))
    assert found is not None
    assert 100 * found == pytest.approx(points, rel=0.02)


def test_what_is_noticed_is_noticed_four_times_in_five() -> None:
    """Draw studies with a true difference of that size and test them."""
    rng, n, flips = np.random.default_rng(3), 2_000, 0.05
    found = detectable_difference(Discordant(int(n * flips), 0, n))
    assert found is not None
    share = (flips + found) / 2
    lost = rng.multinomial(n, [share, flips - share, 1 - flips], size=1500)
    significant = [exact_mcnemar(int(b), int(c)) < 0.05 for b, c, _ in lost]
    assert 0.74 < np.mean(significant) < 0.84


def test_lost_and_gained_weigh_alike_in_what_is_noticed() -> None:
    """sqrt(7.84 · 6 / 100) / 100 of a hundred images, however the six are divided."""
    assert detectable_difference(Discordant(2, 4, 1000)) == pytest.approx(0.0068585713)
    assert detectable_difference(Discordant(6, 0, 1000)) == detectable_difference(
        Discordant(0, 6, 1000)
    )


def test_nothing_that_changed_says_nothing() -> None:
    """No verdict changed: there is no size to give. And never more than everything."""
    assert detectable_difference(Discordant(0, 0, 500)) is None
    assert detectable_difference(Discordant(1, 1, 2)) == 1.0
