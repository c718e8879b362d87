"""Numbers of pictures and of confidences against closed forms, and against libraries."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from production_world import drawn, encoded, noisy

from roadworthy.preflight.production.drift import drift, kolmogorov
from roadworthy.preflight.production.measures import (
    NAMES,
    luma_of,
    measures_of,
    noise_of,
    sharpness_of,
)
from roadworthy.preflight.production.tables import coarseness, quality_of
from roadworthy.stress.apply import corrupted
from roadworthy.stress.bound import stress


@pytest.mark.parametrize("quality", [1, 5, 7, 10, 25, 30, 49, 50, 51, 75, 90, 95, 100])
def test_the_quality_of_a_jpeg_is_read_off_its_tables(quality: int) -> None:
    picture = drawn(0, 1)[0]
    assert quality_of(encoded(picture, "JPEG", quality=quality)) == quality
    _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert quality_of(data.tobytes()) == quality


def test_tables_of_others_get_the_nearest_quality() -> None:
    table = [3 * step for step in range(1, 65)]
    found = quality_of(encoded(drawn(0, 1)[0], "JPEG", qtables=[table, table]))
    assert found is not None
    assert 25 <= found <= 35  # steps of 97.5 on average: 57.6 · 50 / q is that at 29.6


def test_no_jpeg_has_no_quality() -> None:
    data = encoded(drawn(0, 1)[0], "JPEG")
    assert quality_of(encoded(drawn(0, 1)[0])) is None
    assert quality_of(data[:30]) is None
    assert quality_of(b"") is None


def test_steps_are_twice_as_coarse_at_half_the_quality_below_50() -> None:
    assert coarseness(25) == 2 * coarseness(50) == 2
    assert coarseness(75) == 0.5
    assert coarseness(100) > 0


def test_noise_is_its_standard_deviation() -> None:
    rng = np.random.default_rng(0)
    flat = np.full((128, 128), 128, np.float32)
    for sigma in (2.0, 20.0):
        noise = rng.normal(0, sigma, flat.shape).astype(np.float32)
        assert noise_of(flat + noise) == pytest.approx(sigma, rel=0.05)
    steps = flat + np.float32(40) * (np.arange(128) // 16 % 2)  # edges alone are none
    assert noise_of(steps.astype(np.float32)) == 0


def test_sharpness_of_a_ramp_is_its_slope() -> None:
    y, x = np.mgrid[0:20, 0:20].astype(np.float32)
    assert sharpness_of(2 * x + 3 * y) == pytest.approx(5)


@pytest.mark.parametrize(
    ("spec", "name", "sign"),
    [
        ("brightness(severity=3)", "mean brightness", 1),
        ("contrast(severity=3)", "contrast", -1),
        ("contrast(severity=3)", "brightest pixels", -1),
        ("fog(severity=3)", "darkest pixels", 1),
        ("saturate(severity=4)", "saturation", 1),
        ("gaussian_noise(severity=1)", "noise", 1),
        ("gaussian_noise(severity=1)", "noise of colour", 1),
        ("speckle_noise(severity=3)", "noise of bright parts", 1),
        ("impulse_noise(severity=1)", "spikes", 1),
        ("gaussian_blur(severity=3)", "detail at 2 pixels", -1),
        ("defocus_blur(severity=5)", "detail at 4 pixels", -1),
        ("defocus_blur(severity=5)", "detail at 8 pixels", -1),
        ("motion_blur(severity=5)", "direction of edges", 1),
        ("contrast(severity=5)", "even neighbours", 1),
        ("jpeg_compression(severity=5)", "edges at 8 x 8 blocks", 1),
    ],
)
def test_each_measure_moves_by_what_it_is_about(spec: str, name: str, sign: int) -> None:
    one = stress(spec)
    before, after = [], []
    for number, picture in enumerate(drawn(0, 3)):
        before.append(measures_of(picture))
        made = corrupted(one, one.settings[0], picture, sample=str(number), seed=0)
        after.append(measures_of(made))
    moved = (np.mean(after, axis=0) - np.mean(before, axis=0))[NAMES.index(name)]
    assert sign * moved > 0.05


def test_luma_is_that_of_the_standard() -> None:
    colours = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]]], np.uint8)
    assert luma_of(colours)[0] == pytest.approx(255 * np.array([0.299, 0.587, 0.114]), abs=0.5)


@pytest.mark.parametrize("seed", range(4))
def test_drift_agrees_with_scipy(seed: int) -> None:
    from scipy import stats

    rng = np.random.default_rng(seed)
    a, b = rng.beta(5, 2, 180), rng.beta(5, 2 + seed / 2, 140)
    found = drift(a, b)
    wanted = stats.ks_2samp(a, b)
    assert found.distance == pytest.approx(wanted.statistic)
    assert found.p == pytest.approx(wanted.pvalue, rel=0.25, abs=0.01)
    welch = stats.ttest_ind(a, b, equal_var=False)
    interval = welch.confidence_interval()
    assert found.difference == pytest.approx(100 * (a.mean() - b.mean()))
    assert (found.low, found.high) == pytest.approx(
        (100 * interval.low, 100 * interval.high), abs=0.02
    )
    assert found.distance_low <= found.distance <= found.distance_high
    assert found.drifted == (wanted.pvalue < 0.05)


def test_the_interval_of_the_distance_holds_the_true_one() -> None:
    # Uniform against u²: the largest gap of x and sqrt(x) is 1/4, at x = 1/4.
    rng = np.random.default_rng(1)
    missed = 0
    for _ in range(60):
        found = drift(rng.random(80), rng.random(120) ** 2)
        missed += not found.distance_low <= 0.25 <= found.distance_high
    assert missed <= 3
    assert found.distance_high - found.distance_low < 0.6


def test_the_same_confidences_have_not_drifted() -> None:
    a = np.random.default_rng(0).random(50)
    found = drift(a, a.copy())
    assert (found.difference, found.distance, found.p, found.drifted) == (0, 0, 1, False)
    assert kolmogorov(np.array([0.5, 0.5]), np.array([0.5])) == 0  # ties are no distance
    assert kolmogorov(np.array([0.1, 0.2]), np.array([0.8])) == 1
    one = drift(np.array([0.5]), a)
    assert (one.low, one.high) == (None, None)


def test_noise_of_files_is_measured_in_levels() -> None:
    plain = drawn(0, 1)[0]
    quiet, loud = (noise_of(luma_of(p)) for p in (plain, noisy(20)(plain)))
    assert loud - quiet > 10 * 0.66  # of the luma: sqrt(.299² + .587² + .114²) of that of a channel
