"""Weather on any frame, with senseless strengths, and in threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from golden_chart import chart, corrupted

from roadworthy.errors import UsageError
from roadworthy.stress import STRESSES
from roadworthy.stress.bound import stress
from roadworthy.stress.draws import FastDraws

NAMES = ("fog", "frost", "snow", "spatter")
FRAMES = [(1, 1), (1, 40), (3, 500), (33, 20), (150, 301), (224, 700), (640, 480)]


def fast(seed: int = 0) -> FastDraws:
    return FastDraws(np.random.Generator(np.random.Philox(seed)))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("frame", FRAMES, ids=str)
def test_weather_works_on_any_frame(name: str, frame: tuple[int, int]) -> None:
    image = np.random.default_rng(1).integers(0, 256, (*frame, 3), dtype=np.uint8)
    before = image.copy()
    for severity in (1, 5):
        result = corrupted(name, image, severity, draws=fast())
        assert result.shape == image.shape
        assert result.dtype == np.uint8
        if min(frame) > 3:
            assert (result != image).mean() > 0.01
    assert np.array_equal(image, before)


@pytest.mark.parametrize("name", NAMES)
def test_views_that_are_not_contiguous_give_the_same(name: str) -> None:
    whole = chart(64)
    view = whole[::-1, :, ::-1]
    expected = corrupted(name, np.ascontiguousarray(view), 2, draws=fast())
    assert np.array_equal(corrupted(name, view, 2, draws=fast()), expected)


@pytest.mark.parametrize("name", NAMES)
def test_the_draws_alone_decide_also_in_threads(name: str) -> None:
    def made(seed: int) -> bytes:
        return bytes(corrupted(name, chart(96), 3, draws=fast(seed)).tobytes())

    alone = [made(seed) for seed in range(8)]
    assert len(set(alone)) == 8
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(made, range(8))) == alone


@pytest.mark.parametrize(
    ("name", "wrong", "message"),
    [
        ("fog", {"thickness": -0.1, "decay": 2.0}, "thickness is 0"),
        ("fog", {"thickness": 1.0, "decay": 0.5}, "decay is 1"),
        ("fog", {"thickness": float("nan"), "decay": 2.0}, "thickness is 0"),
        ("fog", {"thickness": 1.0, "decay": float("inf")}, "decay is 1"),
        ("frost", {"image_weight": -1.0}, "image_weight is 0 or larger"),
        ("frost", {"frost_weight": float("nan")}, "frost_weight is 0 or larger"),
        ("frost", {"texture_scale": 0.0}, "texture_scale is 0.01"),
        ("snow", {"zoom": 0.5}, "zoom is 1 or larger"),
        ("snow", {"spread": -0.3}, "spread is a standard deviation"),
        ("snow", {"mean": float("inf")}, "mean is a level"),
        ("snow", {"sigma": 0.0}, "sigma is a length"),
        ("snow", {"keep": 1.2}, "keep is the share"),
        ("spatter", {"threshold": -1.0}, "threshold is a level"),
        ("spatter", {"smoothing": float("nan")}, "smoothing is a length"),
        ("spatter", {"brightness": 2.0}, "brightness is a level"),
    ],
)
def test_senseless_strengths_are_refused(name: str, wrong: dict[str, Any], message: str) -> None:
    check = STRESSES.get(name).check
    assert check is not None
    with pytest.raises(UsageError, match=f"{name}: {message}"):
        check(wrong)


@pytest.mark.parametrize(
    "spec",
    [
        "fog(thickness=0.3, decay=2.2)",
        "frost(image_weight=0.9, frost_weight=0.2, texture_scale=0.5)",
        "snow(mean=0.1, spread=0.3, zoom=2, threshold=0.5, radius=3, sigma=1.5, keep=0.8)",
        "spatter(mean=0.65, spread=0.3, sigma=1, threshold=0.65, kind=mud, brightness=0, smoothing=1.5)",
    ],
)
def test_any_strength_can_be_given_by_name(spec: str) -> None:
    bound = stress(spec)
    result = bound.definition.function(chart(64), **bound.settings[0].arguments, rng=fast())
    assert not np.array_equal(result, chart(64))


def test_no_fog_and_no_frost_leave_the_picture() -> None:
    assert np.array_equal(STRESSES.get("fog").function(chart(64), 0.0, 2.0, rng=fast()), chart(64))
    assert np.array_equal(
        STRESSES.get("frost").function(chart(64), 1.0, 0.0, 0.3, rng=fast()), chart(64)
    )


@pytest.mark.parametrize(
    ("name", "lengths"),
    [
        ("snow", {"radius", "sigma"}),
        ("spatter", {"sigma", "smoothing", "spread"}),
        ("frost", {"texture_scale"}),
    ],
)
def test_lengths_grow_with_the_frame_and_amplitudes_do_not(name: str, lengths: set[str]) -> None:
    levels = STRESSES.get(name).levels
    assert levels is not None
    small, large = levels.strengths(4, (224, 224)), levels.strengths(4, (448, 500))
    grown = {key for key in small if small[key] != large[key]}
    assert grown == {key for key in lengths if small[key] != 0}
    assert all(large[key] == 2 * small[key] for key in grown)


def test_drops_cover_as_much_of_a_large_frame_as_of_a_small_one() -> None:
    covered = []
    for size in (224, 672):
        black = np.zeros((size, size, 3), np.uint8)
        mud = [corrupted("spatter", black, 4, draws=fast(seed)).any(axis=2) for seed in range(4)]
        covered.append(np.mean(mud))
    assert covered[0] > 0.05
    assert covered[1] == pytest.approx(covered[0], rel=0.15)
