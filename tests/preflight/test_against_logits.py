"""Differences of logits summed block by block are those of the whole; orders are told or left alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from roadworthy.errors import UsageError
from roadworthy.preflight.against.classes import check_order
from roadworthy.preflight.against.logits import LogitSums

NAMES = ("a", "b")


def drawn(seed: int, n: int, k: int) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(0, 3, (n, k)).astype(np.float32)


@given(seed=st.integers(0, 99), n=st.integers(2, 40), k=st.integers(2, 9), cut=st.integers(1, 39))
@settings(max_examples=40, deadline=None)
def test_blocks_sum_up_to_the_whole(seed: int, n: int, k: int, cut: int) -> None:
    a = drawn(seed, n, k)
    b = a + drawn(seed + 1, n, k) / np.float32(10)
    sums = LogitSums()
    for part in (slice(0, cut), slice(cut, None)):
        sums.add(a[part], b[part])
    found = sums.difference()
    off = np.abs(a.astype(np.float64) - b)
    assert found.n == n
    assert found.largest == pytest.approx(off.max())
    assert found.mean == pytest.approx(off.mean())
    assert found.spread == pytest.approx(a.std(), rel=1e-4)
    rows = [
        float(np.dot(x, y) / np.linalg.norm(x) / np.linalg.norm(y))
        for x, y in zip(a, b, strict=True)
    ]
    assert found.cosine == pytest.approx(np.mean(rows), abs=1e-5)
    assert found.least_cosine == pytest.approx(min(rows), abs=1e-5)
    assert found.agreement == pytest.approx(100 * (a.argmax(1) == b.argmax(1)).mean())


def test_noise_of_another_kernel_is_no_difference_and_a_thousandth_is() -> None:
    a = drawn(0, 20, 10)
    for off, same in ((1e-5, True), (1e-3, False)):
        sums = LogitSums()
        sums.add(a, a + np.float32(3 * off))
        assert sums.difference().same is same


@pytest.mark.parametrize("order", ["shift", "text", "swap"])
def test_another_order_of_the_outputs_is_told(order: str) -> None:
    k = 24
    places = {
        "shift": np.roll(np.arange(k), 1),
        "text": np.array(sorted(range(k), key=str)),
        "swap": np.arange(k)[::-1],
    }[order]
    a = drawn(0, 60, k)
    b = (a + drawn(1, 60, k) / np.float32(20))[:, places]
    with pytest.raises(UsageError, match="come in another order") as error:
        check_order(a, b, NAMES)
    assert ("all by one" in str(error.value)) == (order == "shift")
    if order == "text":
        assert "output 2 is 12, 3 is 17, 4 is 18, …" in str(error.value)


def test_a_bad_network_is_no_other_order() -> None:
    a = drawn(0, 60, 24)
    check_order(a, drawn(5, 60, 24), NAMES)  # unrelated
    check_order(a, -a, NAMES)
    check_order(a, np.repeat(a[:, :1], 24, axis=1), NAMES)  # all outputs alike
    check_order(a, a + drawn(7, 60, 24), NAMES)  # noisy, in place
    check_order(a, (a + drawn(7, 60, 24))[:, ::-1], NAMES)  # too noisy to be sure of
    greys = np.repeat(a[:, :1], 3, axis=1)
    noise = [drawn(seed, 60, 3) / np.float32(9) for seed in (1, 3)]
    check_order(greys + noise[0], greys + noise[1], NAMES)  # outputs alike
    check_order(a[:5], a[:5, ::-1], NAMES)  # too few to tell
