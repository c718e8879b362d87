"""The noises of the specification §1.1–1.4, word by word in float64, and their laws from scipy.stats."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]
Image = NDArray[np.uint8]


def quantised(x: Floats) -> Image:
    """Clip to [0, 1], multiply by 255, truncate (§0)."""
    return np.asarray(np.trunc(np.minimum(np.maximum(x, 0), 1) * 255), np.uint8)


def gaussian_noise(image: Image, c: float, state: RandomState) -> Image:
    x = image.astype(np.float64) / 255
    return quantised(x + c * state.normal(0, 1, image.shape))


def shot_noise(image: Image, c: float, state: RandomState) -> Image:
    x = image.astype(np.float64) / 255
    return quantised(state.poisson(x * c) / c)


def impulse_noise(image: Image, p: float, state: RandomState) -> Image:
    x = image.astype(np.float64) / 255
    mask = state.choice([True, False], size=image.shape, p=[p, 1 - p])
    salt = state.choice([True, False], size=image.shape, p=[0.5, 0.5])
    x[mask & salt] = 1
    x[mask & ~salt] = 0
    return quantised(x)


def speckle_noise(image: Image, c: float, state: RandomState) -> Image:
    x = image.astype(np.float64) / 255
    return quantised(x + x * (c * state.normal(0, 1, image.shape)))


PLAIN: dict[str, Callable[[Image, float, RandomState], Image]] = {
    "gaussian_noise": gaussian_noise,
    "shot_noise": shot_noise,
    "impulse_noise": impulse_noise,
    "speckle_noise": speckle_noise,
}


def _normal_law(level: int, sigma: float) -> Floats:
    """Law of a level with normal noise of ``sigma`` levels: floor, and the ends take the tails."""
    below = stats.norm.cdf(np.arange(1, 256), loc=level, scale=sigma)
    return np.diff(below, prepend=0, append=1)


def gaussian_law(level: int, c: float) -> Floats:
    return _normal_law(level, 255 * c)


def speckle_law(level: int, c: float) -> Floats:
    return _normal_law(level, level * c) if level else np.eye(256)[0]


def shot_law(level: int, c: float) -> Floats:
    counts = np.arange(int(4 * c) + 60)
    becomes = quantised(counts / c)
    chances = stats.poisson.pmf(counts, level / 255 * c)
    return np.asarray(np.bincount(becomes, chances, minlength=256), np.float64)


def impulse_law(level: int, p: float) -> Floats:
    law = (1 - p) * np.eye(256)[level]
    law[[0, 255]] += p / 2
    return np.asarray(law)


LAWS: dict[str, Callable[[int, float], Floats]] = {
    "gaussian_noise": gaussian_law,
    "shot_noise": shot_law,
    "impulse_noise": impulse_law,
    "speckle_noise": speckle_law,
}


def chi_square(image: Image, noisy: Image, law: Callable[[int], Floats]) -> float:
    """Return the p-value of the outcomes of all levels in ``image`` together, by Pearson's test.

    Outcomes of a level are bundled with their neighbours until each bundle expects five or more; an
    outcome that cannot happen makes the p-value 0.
    """
    joint = np.bincount(256 * image.reshape(-1).astype(np.int64) + noisy.reshape(-1))
    joint = np.pad(joint, (0, 65536 - joint.size)).reshape(256, 256)
    statistic, freedom = 0.0, 0
    for level in np.flatnonzero(joint.sum(1)):
        found, expected = joint[level], joint[level].sum() * law(int(level))
        if found[expected < 1e-12].any():
            return 0.0
        starts = _bundles(expected)
        found, expected = np.add.reduceat(found, starts), np.add.reduceat(expected, starts)
        statistic += float(((found - expected) ** 2 / expected).sum())
        freedom += len(starts) - 1
    return float(stats.chi2.sf(statistic, freedom))


def _bundles(expected: Floats) -> NDArray[np.intp]:
    """Return where bundles of outcomes begin, each expecting five or more."""
    starts, total = [0], 0.0
    for outcome, number in enumerate(expected):
        if total >= 5 and expected[outcome:].sum() >= 5:
            starts.append(outcome)
            total = 0.0
        total += number
    return np.asarray(starts)
