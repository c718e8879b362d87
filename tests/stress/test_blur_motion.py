"""Motion blur: where the taps lie, how sums are rounded, which angles are drawn."""

from __future__ import annotations

import numpy as np
import plain_blur
import pytest
from golden_chart import chart

from roadworthy.stress._kernels.motion import line_taps, motion_blurred
from roadworthy.stress.corruptions.motion_blur import motion_blur
from roadworthy.stress.draws import FastDraws


def test_the_published_check_of_a_single_pixel() -> None:
    image = np.zeros((21, 41), np.uint8)
    image[10, 20] = 255
    got = motion_blurred(image, 10, 3, 30)
    found = [(int(r), int(c), int(got[r, c])) for r, c in zip(*np.nonzero(got), strict=True)]
    assert sorted(found, key=lambda pixel: -pixel[2]) == [
        *[(10, 20, 60), (10, 19, 57), (9, 18, 48), (9, 17, 36), (8, 17, 25)],
        *[(8, 16, 15), (7, 15, 8), (7, 14, 4), (6, 13, 2), (6, 12, 1)],
    ]


@pytest.mark.parametrize("angle", [-180, -135, -90, -45, -20.5, 0, 10, 45, 60, 135])
@pytest.mark.parametrize("shape", [(30, 47, 3), (25, 31), (1, 9, 3), (5, 1), (1, 1)])
@pytest.mark.parametrize(("radius", "sigma"), [(10, 3), (11.43, 5.7), (0, 2), (0.4, 9)])
def test_it_is_what_the_text_says_on_any_frame(
    angle: float, shape: tuple[int, ...], radius: float, sigma: float
) -> None:
    image = np.random.default_rng(8).integers(0, 256, shape, dtype=np.uint8)
    got = motion_blurred(image, radius, sigma, angle)
    off = got.astype(int) - plain_blur.motion_blur(image, radius, sigma, angle)
    assert np.abs(off).max() <= 1
    assert (off != 0).mean() <= 0.005


def test_taps_end_at_twice_the_radius_and_weigh_one() -> None:
    taps = line_taps(500, 500, 10.2, 8.0, 0.0)
    assert [tap[1] for tap in taps] == list(range(23))
    assert sum(tap[2] for tap in taps) == pytest.approx(1, abs=1e-12)
    assert taps[5][2] / taps[0][2] == pytest.approx(np.exp(-25 / 128))


def test_half_a_pixel_off_the_line_goes_down() -> None:
    # ceil(i / 2 - 1/2): halves go to the smaller number, to the left and up.
    columns = [tap[1] for tap in line_taps(100, 100, 3, 50.0, 60.0)]
    assert sorted(set(columns)) == [0, 1, 2, 3]
    rows = {tap[0] for tap in line_taps(100, 100, 1, 50.0, 30.0)}
    assert rows == {0, 1}


def test_sums_are_rounded_not_truncated() -> None:
    image = chart(128)
    exact = motion_blurred(image, 15, 8, 20).astype(float).mean() - image.mean()
    assert abs(exact) < 0.1 + abs(plain_blur.motion_blur(image, 15, 8, 20).mean() - image.mean())
    flat = np.full((40, 40, 3), 201, np.uint8)
    np.testing.assert_array_equal(motion_blurred(flat, 15, 8, 20), flat)


def test_a_grey_picture_stays_grey() -> None:
    grey = np.repeat(chart(64)[..., :1], 3, axis=2)
    got = motion_blurred(grey, 10, 3, 33)
    np.testing.assert_array_equal(got[..., 0], got[..., 1])
    np.testing.assert_array_equal(got[..., 0], got[..., 2])
    np.testing.assert_array_equal(got[..., 0], motion_blurred(grey[..., 0].copy(), 10, 3, 33))


def test_angles_lie_within_45_degrees_of_the_horizontal() -> None:
    image = np.zeros((101, 101, 3), np.uint8)
    image[50, 50] = 255
    ends = []
    for seed in range(60):
        rng = FastDraws(np.random.Generator(np.random.Philox(seed)))
        lit = np.argwhere(motion_blur.function(image, 20, 100.0, rng=rng)[..., 0])
        ends.append((lit - 50)[np.argmin(lit[:, 1])])
    rows, columns = np.array(ends).T
    angles = np.degrees(np.arctan2(-rows, -columns))
    assert np.abs(angles).max() <= 46
    assert angles.min() < -35
    assert angles.max() > 35


def test_a_huge_radius_and_a_narrow_sigma_end_in_time() -> None:
    image = chart(64)
    got = motion_blurred(image, 10_000, 10_000, 45)
    assert got.shape == image.shape
    np.testing.assert_array_equal(motion_blurred(image, 10_000, 1e-200, 45), image)
