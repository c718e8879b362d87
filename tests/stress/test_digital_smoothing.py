"""Wide Gaussian smoothing with mirrored borders, beside SciPy's."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from roadworthy.stress._kernels import mirrored
from roadworthy.stress._kernels.mirrored import smoothed
from roadworthy.stress.draws import FastDraws, ReferenceDraws


@pytest.mark.parametrize("shape", [(224, 224), (61, 40), (7, 33), (1, 20), (2, 3), (1, 1)])
@pytest.mark.parametrize("sigma", [0.0, 0.1, 2.44, 6.4, 19.52, 170.8])
@pytest.mark.parametrize("largest", [1024, 1])
def test_it_is_what_scipy_computes(
    shape: tuple[int, int], sigma: float, largest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirrored, "_LARGEST", largest)
    field = np.random.default_rng(0).uniform(-1, 1, shape)
    if sigma == 170.8:
        field += np.linspace(-5, 5, shape[1])  # something that so wide a kernel leaves to compare
    expected = gaussian_filter(field, sigma, mode="reflect", truncate=3.0)
    result = smoothed(field.astype(np.float32), sigma, truncate=3.0)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, expected, atol=2e-6)


def test_signed_draws_are_uniform_and_the_reference_keeps_its_order() -> None:
    fast = FastDraws(np.random.Generator(np.random.Philox(1))).signed((400, 500))
    assert (fast.dtype, fast.shape) == (np.dtype(np.float32), (400, 500))
    counts, _ = np.histogram(fast, bins=100, range=(-1, 1))
    # 99 degrees of freedom: above 160 is less likely than one in ten thousand.
    assert ((counts - 2000.0) ** 2 / 2000).sum() < 160
    assert counts.sum() == fast.size
    again = FastDraws(np.random.Generator(np.random.Philox(1))).signed((400, 500))
    assert np.array_equal(fast, again)
    state = np.random.RandomState(7)
    field = ReferenceDraws(np.random.RandomState(7)).signed((2, 3, 4))
    for part in field:
        assert np.array_equal(part, state.uniform(-1, 1, (3, 4)).astype(np.float32))
