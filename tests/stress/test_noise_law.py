"""The fast noises follow the published formulas exactly, as far as nine million values can tell."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from plain_noise import LAWS, Image, chi_square
from scipy.special import ndtri

from roadworthy.stress import STRESSES
from roadworthy.stress.draws import FastDraws

ALL = np.resize(np.arange(256, dtype=np.uint8), (752, 1024, 3))
"""Every level 9,024 times."""

FEW = np.resize(np.array([1, 30, 128, 201], np.uint8), (3008, 1024, 3))
"""Four levels 2.3 million times each: 9.2 million values."""

BY_CHANCE = 1e-4
SURELY = 1e-9

STRENGTHS = {
    "gaussian_noise": (0.04, 0.18, 0.38),
    "shot_noise": (500, 12, 3),
    "impulse_noise": (0.03, 0.09, 0.27),
    "speckle_noise": (0.06, 0.35, 0.6),
}


def fast(seed: int) -> FastDraws:
    return FastDraws(np.random.Generator(np.random.Philox(key=seed)))


@pytest.mark.parametrize(
    ("name", "strength"), [(name, s) for name, all_ in STRENGTHS.items() for s in all_]
)
def test_a_fast_noise_follows_its_exact_law(name: str, strength: float) -> None:
    noisy = STRESSES.get(name).function(FEW, strength, rng=fast(7))
    assert chi_square(FEW, noisy, lambda level: LAWS[name](level, strength)) > BY_CHANCE


@pytest.mark.parametrize(
    ("name", "strength"),
    [
        ("gaussian_noise", 0.001),
        ("gaussian_noise", 0.08),
        ("gaussian_noise", 3.0),
        ("shot_noise", 0.7),
        ("shot_noise", 2.5),
        ("shot_noise", 250),
        ("impulse_noise", 0.05),
        ("impulse_noise", 0.996),
        ("impulse_noise", 1.0),
        ("speckle_noise", 0.001),
        ("speckle_noise", 0.06),
        ("speckle_noise", 2.0),
    ],
)
def test_so_it_does_on_every_level_and_at_any_strength(name: str, strength: float) -> None:
    noisy = STRESSES.get(name).function(ALL, strength, rng=fast(3))
    assert chi_square(ALL, noisy, lambda level: LAWS[name](level, strength)) > BY_CHANCE


def quantiles(bits: int) -> Callable[[Image, np.random.Generator], Image]:
    """Return a plausible sampler: normal numbers looked up by ``bits`` random bits."""
    table = ndtri((np.arange(2**bits) + 0.5) / 2**bits)

    def sampled(image: Image, rng: np.random.Generator) -> Image:
        normal = table[rng.integers(0, 2**bits, image.shape)]
        return np.asarray(np.clip(np.floor(image + 255 * 0.18 * normal), 0, 255), np.uint8)

    return sampled


def speckled(image: Image, rng: np.random.Generator) -> Image:
    table = ndtri((np.arange(2**12) + 0.5) / 2**12)
    normal = table[rng.integers(0, 2**12, image.shape)]
    return np.clip(np.floor(image * (1 + 0.35 * normal)), 0, 255).astype(np.uint8)


def rounded(image: Image, rng: np.random.Generator) -> Image:
    noisy = np.rint(image + 255 * 0.18 * rng.standard_normal(image.shape, np.float32))
    return np.clip(noisy, 0, 255).astype(np.uint8)


def counted_by_bytes(image: Image, rng: np.random.Generator) -> Image:
    """Photons by inverting the cumulated law with one random byte."""
    at_least = 1 - np.stack([LAWS["shot_noise"](level, 12) for level in range(256)]).cumsum(1)
    byte = (np.arange(256) + 0.5) / 256
    table = (at_least[:, None, :] > byte[:, None]).sum(2).astype(np.uint8)
    return np.asarray(table[image, rng.integers(0, 256, image.shape)])


def hit_by_bytes(image: Image, rng: np.random.Generator) -> Image:
    byte = rng.integers(0, 256, image.shape)
    return np.where(byte < 12, 255, np.where(byte > 243, 0, image)).astype(np.uint8)


@pytest.mark.parametrize(
    ("name", "strength", "wrong"),
    [
        ("gaussian_noise", 0.18, quantiles(12)),
        ("gaussian_noise", 0.18, quantiles(16)),
        ("gaussian_noise", 0.18, rounded),
        ("speckle_noise", 0.35, speckled),
        ("shot_noise", 12, counted_by_bytes),
        ("impulse_noise", 0.09, hit_by_bytes),
    ],
)
def test_samplers_that_only_look_right_fail_the_same_test(
    name: str, strength: float, wrong: Callable[[Image, np.random.Generator], Image]
) -> None:
    noisy = wrong(FEW, np.random.default_rng(5))
    assert chi_square(FEW, noisy, lambda level: LAWS[name](level, strength)) < SURELY
