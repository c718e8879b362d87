"""The limit on a drop: passed, failed, or undecided with the number of images that would decide."""

from __future__ import annotations

import numpy as np
import pytest

from roadworthy.preflight.gate import gate, images_needed
from roadworthy.preflight.paired import Price, price
from roadworthy.preflight.prices import Row


def row(n: int, lost: int, gained: int, *, labelled: bool = True) -> Row:
    """Return a row of ``n`` images of which so many were lost and gained."""
    before = np.arange(n) < n // 2 + lost
    after = before.copy()
    after[:lost] = False
    after[n - gained :] = True
    flipped = before != after
    made = price(flipped, np.zeros(n), (before, after) if labelled else None)
    assert isinstance(made, Price)
    return Row("the deployment itself", "", "itself", None, made)


@pytest.mark.parametrize(
    ("n", "lost", "gained", "limit", "decision", "code"),
    [
        (10_000, 20, 10, 1.0, "passed", 0),
        (10_000, 300, 20, 1.0, "failed", 4),
        (1_000, 25, 10, 1.0, "undecided", 5),
        (20, 0, 0, 1.0, "undecided", 5),  # so few images exclude nothing
        (2_000, 0, 0, 1.0, "passed", 0),
        (1_000, 10, 60, 0.0, "passed", 0),  # better than training
    ],
)
def test_decisions(n: int, lost: int, gained: int, limit: float, decision: str, code: int) -> None:
    found = gate(row(n, lost, gained), limit)
    assert (found.decision, found.exit_code) == (decision, code)
    assert (found.needed is not None) == (decision == "undecided")


def test_so_many_images_as_are_said_to_be_needed_do_decide() -> None:
    few = row(1_000, 20, 10)
    needed = images_needed(few, 2.0)
    assert needed is not None
    assert gate(few, 2.0).decision in ("passed", "undecided")
    more = int(needed * 1.1)
    assert gate(row(more, round(0.02 * more), round(0.01 * more)), 2.0).decision == "passed"
    less = int(needed * 0.8)
    assert gate(row(less, round(0.02 * less), round(0.01 * less)), 2.0).decision == "undecided"


def test_the_example_of_the_specification() -> None:
    # Flips 3 %, a difference of 0.5 points: 7.84 · (b + c) / D² = 9 400 images for 80 % power;
    # for the interval alone to leave zero out it is 1.96² of it.
    found = images_needed(row(1_000, 18, 12), 0.1)
    assert found == pytest.approx(1.96**2 * 0.031 / 0.005**2, rel=0.02)


def test_without_labels_flips_bound_the_drop() -> None:
    assert gate(row(10_000, 5, 5, labelled=False), 1.0).decision == "passed"
    found = gate(row(1_000, 200, 100, labelled=False), 1.0)
    assert (found.decision, found.exit_code) == ("undecided", 5)
    assert "without labels" in found.sentence


def test_nothing_priced_is_undecided() -> None:
    assert gate(None, 1.0).exit_code == 5


@pytest.mark.parametrize("labelled", [True, False])
def test_images_that_are_refused_may_all_be_lost(labelled: bool) -> None:
    some = row(10_000, 5, 5, labelled=labelled)
    assert gate(some, 1.0).decision == "passed"
    assert gate(some, 1.0, refused=50).decision == "passed"
    found = gate(some, 1.0, refused=150)
    assert (found.decision, found.needed) == ("undecided", None)
    assert "150 images that training reads are refused" in found.sentence


def test_images_that_are_refused_may_all_have_been_wrong_before() -> None:
    broken = row(1_000, 100, 0)
    assert broken.price.low is not None
    assert broken.price.low > 8
    assert gate(broken, 7.5).decision == "failed"
    assert gate(broken, 7.5, refused=1_000).decision == "undecided"


def test_prices_are_those_of_paired_tables() -> None:
    found = row(1_000, 30, 10).price
    assert found.drop == pytest.approx(2.0)
    assert found.flips == pytest.approx(4.0)
    # b + c = 4 %, D = 2 points: the standard error is sqrt(0.04 - 0.0004) / sqrt(1000)
    assert found.low is not None
    assert found.high is not None
    assert (found.high - found.low) / 2 == pytest.approx(
        100 * 1.96 * np.sqrt(0.0396 / 1000), rel=0.05
    )
    assert found.p == pytest.approx(0.00222, rel=0.01)  # 2 · P(X <= 10), X ~ B(40, 1/2)
    assert found.detectable == pytest.approx(100 * np.sqrt(7.84 * 40) / 1000)
