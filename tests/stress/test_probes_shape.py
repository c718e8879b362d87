"""Shuffled patches, edges and grey."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from roadworthy.errors import SampleError, UsageError
from roadworthy.stress.bound import stress
from roadworthy.stress.draws import FastDraws
from roadworthy.stress.probes.edges import edges
from roadworthy.stress.probes.grey import grey
from roadworthy.stress.probes.patch_shuffle import patch_shuffle
from roadworthy.types import Image


def draws(seed: int) -> FastDraws:
    return FastDraws(np.random.Generator(np.random.Philox(seed)))


def patches(image: Image, grid: int) -> list[bytes]:
    height, width = image.shape[0] // grid, image.shape[1] // grid
    return [
        image[r * height : (r + 1) * height, c * width : (c + 1) * width].tobytes()
        for r in range(grid)
        for c in range(grid)
    ]


@pytest.mark.parametrize(("shape", "grid"), [((32, 32), 4), ((30, 45), 3), ((33, 50), 8)])
def test_patches_change_places_and_stay_whole(shape: tuple[int, int], grid: int) -> None:
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    result = patch_shuffle.function(image, grid, rng=draws(0))
    before, after = patches(image, grid), patches(result, grid)
    assert Counter(before) == Counter(after)
    assert before != after
    rows, columns = shape[0] // grid * grid, shape[1] // grid * grid
    assert np.array_equal(result[rows:], image[rows:])
    assert np.array_equal(result[:, columns:], image[:, columns:])


def test_every_permutation_is_equally_likely() -> None:
    image = np.arange(4, dtype=np.uint8).reshape(2, 2, 1).repeat(3, axis=2)
    rng = draws(1)
    seen = Counter(patch_shuffle.function(image, 2, rng=rng)[..., 0].tobytes() for _ in range(4800))
    assert len(seen) == 24
    # 23 degrees of freedom: above 60 is less likely than one in ten thousand.
    assert sum((count - 200) ** 2 / 200 for count in seen.values()) < 60


def test_a_grid_finer_than_the_frame_is_refused() -> None:
    with pytest.raises(SampleError, match="7x5 pixels cannot be cut into 6 patches"):
        patch_shuffle.function(np.zeros((5, 7, 3), np.uint8), 6, rng=draws(0))
    with pytest.raises(UsageError, match="grid is 2 patches a side or more, not 1"):
        stress("patch_shuffle(grid=1)")


def test_grey_is_the_luma_of_bt601_rounded() -> None:
    image = np.random.default_rng(0).integers(0, 256, (50, 60, 3), np.uint8)
    expected = np.floor(image @ np.array([0.299, 0.587, 0.114]) + 0.5 + 1e-9)
    result = grey.function(image)
    assert np.array_equal(result, np.repeat(expected[..., None], 3, axis=2))
    corners = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]]], np.uint8)
    assert grey.function(corners)[0, :, 0].tolist() == [76, 150, 29, 255]


def step(height: int) -> Image:
    """Return a picture that is dark on the left and lighter by ``height`` from column 8 on."""
    image = np.full((16, 16, 3), 50, np.uint8)
    image[:, 8:] += np.uint8(height)
    return image


def test_edges_are_one_line_where_the_gradient_passes_the_upper_threshold() -> None:
    # The Sobel kernel answers to a step of h with 4 h on both of its sides.
    found = edges.function(step(51))
    assert set(np.unique(found)) == {0, 255}
    assert len(np.flatnonzero(found[8, :, 0])) == 1
    assert np.array_equal(found[..., 0], found[..., 2])
    for height, low, high, seen in ((49, 100, 200, False), (20, 50, 79, True), (20, 50, 81, False)):
        assert edges.function(step(height), low, high).any() == seen


def test_weak_edges_count_where_they_touch_strong_ones() -> None:
    fading = step(0)
    fading[:, 8:] += np.uint8(80) - 4 * np.arange(16, dtype=np.uint8)[:, None, None]
    # The gradient goes from 320 at the top to 80 at the bottom, and is 128 in row 12.
    assert edges.function(fading, 100.0, 200.0)[12].any()
    assert not edges.function(fading, 150.0, 200.0)[12].any()
    assert not edges.function(fading[10:], 100.0, 200.0).any()


def test_diagonal_gradients_are_measured_by_their_length() -> None:
    image = np.full((16, 16, 3), 50, np.uint8)
    image[np.add.outer(np.arange(16), np.arange(16)) >= 16] += np.uint8(30)
    # The step answers with 90 along each axis: that is 127 in length and 180 in sum.
    assert edges.function(image, 100.0, 120.0).any()
    assert not edges.function(image, 130.0, 135.0).any()


def test_thresholds_in_the_wrong_order_are_refused() -> None:
    with pytest.raises(UsageError, match="0 <= low <= high, not low=200"):
        stress("edges(low=200, high=100)")
    assert edges.function(np.zeros((1, 1, 3), np.uint8)).shape == (1, 1, 3)
