"""Gaussian noise: truncation, and which table a frame takes."""

from __future__ import annotations

import numpy as np
import pytest

from roadworthy.stress.corruptions.gaussian_noise import gaussian_noise
from roadworthy.stress.draws import FastDraws


def test_the_result_is_truncated_not_rounded() -> None:
    grey = np.full((200, 200, 3), 128, np.uint8)
    rng = FastDraws(np.random.Generator(np.random.Philox(0)))
    noisy = gaussian_noise.function(grey, 0.08, rng=rng)
    # Truncation darkens by half a level; the standard error of the mean is 20.4 / sqrt(120000).
    assert noisy.mean() - 128 == pytest.approx(-0.5, abs=4 * 20.4 / np.sqrt(120_000))


@pytest.mark.parametrize("side", [40, 60, 144, 200, 299, 500])
def test_the_table_follows_the_shorter_side(side: int) -> None:
    assert gaussian_noise.levels is not None
    expected = {40: 0.08, 60: 0.12, 144: 0.18, 200: 0.18, 299: 0.19, 500: 0.18}[side]
    assert gaussian_noise.levels.strengths(3, (side, side + 7, 3)) == {"scale": expected}
    assert gaussian_noise.levels.strengths(3, (side + 7, side, 3)) == {"scale": expected}
