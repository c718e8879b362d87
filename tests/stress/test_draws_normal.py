"""Normal numbers in single precision have the whole law: body, tails, and no pair that tells."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtr, ndtri

from roadworthy.stress._noise import bits
from roadworthy.stress.draws import BatchDraws, FastDraws
from roadworthy.types import Image


def test_normal_fields_are_standard_normal_and_end_beyond_six() -> None:
    drawn = FastDraws(np.random.Generator(np.random.Philox(5))).normal_field((1001, 3001))
    assert (drawn.dtype, drawn.shape) == (np.dtype(np.float32), (1001, 3001))
    edges = ndtri(np.arange(1, 500) / 500)
    counts = np.bincount(np.searchsorted(edges, drawn.reshape(-1)), minlength=500)
    expected = drawn.size / 500
    # 499 degrees of freedom: above 620 is less likely than one in five thousand.
    assert ((counts - expected) ** 2 / expected).sum() < 620
    beyond = [int((np.abs(drawn) > k).sum()) for k in (4.0, 4.5)]
    means = [2 * float(ndtr(-k)) * drawn.size for k in (4.0, 4.5)]
    assert all(abs(n - m) < 4 * m**0.5 for n, m in zip(beyond, means, strict=True))
    # Both halves are made of the same pairs and must not tell of each other.
    half = (drawn.size + 1) // 2
    second = drawn.reshape(-1)[half:].astype(float)
    first = drawn.reshape(-1)[: second.size].astype(float)
    assert abs(np.corrcoef(first, second)[0, 1]) < 4 / first.size**0.5
    assert abs(np.corrcoef(first**2, second**2)[0, 1]) < 4 / first.size**0.5


@pytest.mark.parametrize(("byte", "longest"), [(0, 6.764), (255, 0.0), (127, 1.1774)])
def test_the_rarest_words_give_finite_numbers(
    monkeypatch: pytest.MonkeyPatch, byte: int, longest: float
) -> None:
    def same(_: object, count: int) -> Image:
        return np.full(count, byte, np.uint8)

    monkeypatch.setattr(bits, "_raw", same)
    drawn = bits.random_normal(np.random.default_rng(0), 2)
    assert float(np.hypot(*drawn)) == pytest.approx(longest, abs=0.01)


@pytest.mark.parametrize("shape", [(32, 32, 3), (5, 7, 3), (1,), (150, 150, 3)])
def test_normal_numbers_of_many_images_are_those_of_each(shape: tuple[int, ...]) -> None:
    one, other = (
        BatchDraws([FastDraws(np.random.default_rng(seed)) for seed in range(9)]) for _ in range(2)
    )
    for _ in range(2):
        together = one.singles(shape)
        assert together.shape == (9, *shape)
        np.testing.assert_array_equal(together, [d.normal_field(shape) for d in other.each])
    assert BatchDraws([]).singles(shape).shape == (0, *shape)
