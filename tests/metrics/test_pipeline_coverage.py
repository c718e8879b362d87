"""Intervals of the worst of several pipelines, and of how far they lie apart, contain the truth."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit

from roadworthy.metrics import largest
from roadworthy.metrics.base import Estimate
from roadworthy.metrics.drop import paired_difference
from roadworthy.metrics.largest import largest_difference
from roadworthy.metrics.spread import spread

Floats = NDArray[np.float64]
RUNS = 600

ONE_AWAY = ([0.06, 0.02, 0.02, 0.015, 0.01, 0.01, 0.005, 0.005], 0.6, 300)
TWO_CLOSE = ([0.06, 0.058, 0.02, 0.015, 0.01, 0.01, 0.005, 0.005], 0.6, 2000)
ALIKE = ([0.03] * 8, 0.0, 2000)
ALIKE_AND_SHARED = ([0.03] * 8, 0.8, 2000)
STAIRCASE = (list(np.linspace(0.06, 0.02, 12)), 0.5, 300)


def changed(lost: Floats, shared: float, n: int, rng: np.random.Generator) -> Floats:
    """Return differences of verdicts (n, K); what an image loses is partly shared by pipelines."""
    luck = np.where(
        rng.random((n, lost.size)) < shared, rng.random((n, 1)), rng.random((n, lost.size))
    )
    return (luck < lost).astype(float) - (luck > 0.99)


@pytest.mark.parametrize("world", [ONE_AWAY, TWO_CLOSE, ALIKE, ALIKE_AND_SHARED])
def test_the_worst_of_several_is_covered(
    world: tuple[list[float], float, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """93 to 97.5 %: one that stands out, two close together, or eight that are all alike."""
    monkeypatch.setattr(largest, "DRAWS", 2000)
    covered, _ = coverage(world)
    assert 0.93 <= covered <= 0.978


def test_the_interval_of_the_worst_alone_would_not_cover() -> None:
    """What the correction is for: of eight alike, the largest's own interval misses too often."""
    lost, shared, n = ALIKE
    rng = np.random.default_rng(11)
    missed = 0
    for _ in range(RUNS):
        differences = changed(np.array(lost), shared, n, rng)
        means = differences.mean(axis=0)
        worst = int(np.argmax(means))
        half = 1.96 * differences[:, worst].std() / np.sqrt(n)
        missed += abs(means[worst] - 0.02) > half
    assert missed / RUNS > 0.12


def test_in_between_it_is_only_wider(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twelve on a staircase: at least 95 %, which no method can always hit exactly."""
    monkeypatch.setattr(largest, "DRAWS", 2000)
    covered, biased = coverage(STAIRCASE)
    assert covered >= 0.95
    assert biased > 0.1  # points: the worst looks worse than it is


def within(found: Estimate, truth: float) -> bool:
    """Return whether an interval contains the truth."""
    assert found.low is not None
    assert found.high is not None
    return found.low <= truth <= found.high


def coverage(world: tuple[list[float], float, int]) -> tuple[float, float]:
    """Return how often the truth is inside, and by how much the value is too large on average."""
    lost, shared, n = np.array(world[0]), world[1], world[2]
    truth, rng = 100 * (lost.max() - 0.01), np.random.default_rng(2)
    found = [largest_difference(changed(lost, shared, n, rng)) for _ in range(RUNS)]
    inside = [within(estimate, truth) for estimate in found]
    values = [e.value for e in found if e.value is not None]
    return float(np.mean(inside)), float(np.mean(values) - truth)


def test_a_single_pipeline_has_the_interval_of_its_drop() -> None:
    """Nothing was chosen, so that nothing needs to be allowed for."""
    lost = changed(np.array([0.05]), 0.0, 400, np.random.default_rng(1))
    alone, plain = largest_difference(lost), paired_difference(lost[:, 0], np.ones(400))
    assert alone.value == pytest.approx(plain.value)
    assert alone.low == pytest.approx(plain.low)
    assert alone.high == pytest.approx(plain.high)


def test_the_upper_end_is_the_largest_of_single_ends_and_the_lower_one_allows_for_all() -> None:
    """Of four alike: below every single lower end of the worst, and not wider above."""
    lost = changed(np.full(4, 0.05), 0.0, 2000, np.random.default_rng(9))
    found = largest_difference(lost)
    single = [paired_difference(one, np.ones(2000)) for one in lost.T]
    assert found.high == pytest.approx(max(e.high for e in single if e.high is not None))
    lows = [e.low for e in single if e.low is not None]
    assert found.low is not None
    assert max(lows) - 0.5 < found.low < max(lows) - 0.03


def test_no_image_or_pipeline_gives_no_value() -> None:
    """And what never changes has a worst of zero, with ends that few images allow."""
    assert largest_difference(np.zeros((0, 3))).value is None
    assert largest_difference(np.zeros((5, 0))).value is None
    still = largest_difference(np.zeros((50, 4)))
    assert still.value == 0.0
    assert still.low is not None
    assert still.high is not None
    assert -10 < still.low < 0 < still.high < 10


@pytest.mark.parametrize(
    ("logits", "shared"),
    [
        (np.linspace(1, 2, 8), 0.95),
        (np.linspace(1, 2, 8), 0.5),
        (np.r_[np.full(10, 1.5), 1.0], 0.95),
        (np.linspace(1.45, 1.55, 8), 0.5),
    ],
)
def test_how_far_pipelines_lie_apart_is_covered(logits: Floats, shared: float) -> None:
    """93 to 98 % in runs of 400 images, where the plain value is up to four times too large."""
    truth = deviation(logits)
    rng = np.random.default_rng(4)
    inside = []
    for _ in range(RUNS):
        found = spread(right(logits, shared, 400, rng), ddof=1)
        inside.append(within(found, truth))
    assert 0.93 <= np.mean(inside) <= 0.985


def test_the_spread_of_pipelines_that_are_alike_may_be_nothing() -> None:
    """The value is above zero by luck alone, and the interval begins at zero."""
    rng, logits = np.random.default_rng(5), np.full(8, 1.5)
    found = [spread(right(logits, 0.5, 300, rng), ddof=1) for _ in range(200)]
    assert np.mean([e.value for e in found if e.value is not None]) > 1.4
    assert np.mean([e.low == pytest.approx(0, abs=1e-6) for e in found]) >= 0.93


def test_many_images_have_the_interval_of_the_normal_approximation() -> None:
    """Beyond the chi-square's reach the other branch goes on without a step."""
    rng = np.random.default_rng(6)
    large = right(np.array([3.0, -3.0]), 0.0, 60_000, rng)
    found = spread(large, ddof=1)
    apart = 100 * (large[:, 0] - large[:, 1]) / np.sqrt(2)
    half = 1.96 * apart.std() / np.sqrt(len(large))
    assert found.value == pytest.approx(apart.mean())
    assert found.low == pytest.approx(apart.mean() - half, rel=1e-3)
    assert found.high == pytest.approx(apart.mean() + half, rel=1e-3)


def right(logits: Floats, shared: float, n: int, rng: np.random.Generator) -> Floats:
    """Return verdicts (n, K) of images of different difficulty, luck partly shared."""
    chance = expit(rng.normal(0, 2, (n, 1)) + logits)
    own, common = rng.random((n, logits.size)), rng.random((n, 1))
    luck = np.where(rng.random((n, logits.size)) < shared, common, own)
    return (luck < chance).astype(float)


def deviation(logits: Floats) -> float:
    """Return the true standard deviation of the accuracies, in points."""
    skill = np.random.default_rng(0).normal(0, 2, 400_000)
    return float(100 * np.std([expit(skill + one).mean() for one in logits], ddof=1))
