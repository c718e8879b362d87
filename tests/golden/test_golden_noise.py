"""Golden cells of the corruption specification, §8: mean / std / one pixel, all severities."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

from roadworthy.stress.corruptions.gaussian_noise import gaussian_noise
from roadworthy.stress.draws import FastDraws, ReferenceDraws
from roadworthy.types import Image

GOLDEN = {
    224: [
        (127.13, 67.48, (179, 137, 73)),
        (127.00, 69.80, (127, 179, 55)),
        (127.19, 73.95, (124, 165, 48)),
        (127.43, 80.10, (136, 159, 164)),
        (127.62, 88.79, (139, 230, 19)),
    ],
    32: [
        (125.18, 62.46, (171, 167, 99)),
        (124.91, 63.38, (164, 147, 91)),
        (125.45, 63.99, (150, 152, 111)),
        (125.39, 64.94, (153, 140, 99)),
        (125.06, 65.44, (207, 169, 83)),
    ],
}


def chart(size: int) -> Image:
    h, w, c = np.ogrid[:size, :size, :3]
    b = (255 * h // (size - 1) + 255 * w * (c + 1) // (size - 1)) % 511
    v = np.where(b <= 255, b, 510 - b)
    odd = (h // 16 + w // 16) % 2 == 1
    return np.asarray(np.where(odd, 3 * v // 4, v), np.uint8)


def test_the_chart_is_the_one_of_the_specification() -> None:
    assert f"{zlib.crc32(chart(224).tobytes()):08x}" == "9e7bf3c9"
    assert f"{zlib.crc32(chart(32).tobytes()):08x}" == "0ce87c8c"


@pytest.mark.parametrize("size", [224, 32])
@pytest.mark.parametrize("severity", [1, 2, 3, 4, 5])
def test_gaussian_noise_meets_the_golden_cells(size: int, severity: int) -> None:
    assert gaussian_noise.levels is not None
    strengths = gaussian_noise.levels.strengths(severity, (size, size, 3))
    draws = ReferenceDraws(np.random.RandomState(1000 + severity))
    noisy = gaussian_noise.function(chart(size), **strengths, rng=draws)
    mean, std, pixel = GOLDEN[size][severity - 1]
    assert abs(noisy.mean() - mean) <= 0.05
    assert abs(noisy.std() - std) <= 0.05
    assert np.abs(noisy[size // 2, size // 3].astype(int) - pixel).max() <= 1


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
