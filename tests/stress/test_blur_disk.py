"""Gaussian and defocus blur: kernels, borders, and the quirks that must stay."""

from __future__ import annotations

import numpy as np
import plain_blur
import pytest
from golden_chart import chart
from scipy import ndimage

from roadworthy.errors import UsageError
from roadworthy.stress._kernels.disk import disk_blurred, disk_kernel
from roadworthy.stress._kernels.gaussian import Mode, gaussian
from roadworthy.stress.bound import stress
from roadworthy.stress.corruptions.defocus_blur import defocus_blur
from roadworthy.stress.corruptions.gaussian_blur import gaussian_blur


@pytest.mark.parametrize(
    ("radius", "total"), [(3, 1), (4, 1), (6, 1), (8, 1.01298), (10, 1.01079), (12, 1.00775)]
)
def test_a_disk_that_touches_its_grid_weighs_more_than_one(radius: int, total: float) -> None:
    kernel = disk_kernel(radius, 0.5)
    assert kernel.dtype == np.float32
    assert float(kernel.sum(dtype=np.float64)) == pytest.approx(total, abs=6e-6)


@pytest.mark.parametrize(
    ("radius", "side", "pixels"),
    [
        *[(0.3, 17, 1), (1, 17, 5), (1.5, 17, 9), (3, 17, 29), (4, 17, 49), (6, 17, 113)],
        *[(8, 17, 197), (8.5, 19, 225), (10, 21, 317), (12, 25, 441)],
    ],
)
def test_the_grid_has_17_pixels_a_side_up_to_radius_8(
    radius: float, side: int, pixels: int
) -> None:
    kernel = disk_kernel(radius, 0.01)
    assert kernel.shape == (side, side)
    assert (kernel > 1e-6).sum() == pixels


@pytest.mark.parametrize(("radius", "taps"), [(8, 3), (9, 5)])
def test_the_edge_is_smoothed_by_three_taps_or_by_five(radius: int, taps: int) -> None:
    # Along the middle row the disk ends at ``radius``; a shorter row shows how far smoothing reaches.
    row = disk_kernel(radius, 2.0)[len(disk_kernel(radius, 2.0)) // 2 - 5]
    plain = np.flatnonzero(disk_kernel(radius, 0.01)[len(row) // 2 - 5] > 1e-6)
    assert np.flatnonzero(row > 1e-6)[0] == max(0, plain[0] - taps // 2)


@pytest.mark.parametrize(("radius", "sigma"), [(3, 0.1), (4, 0.5), (6, 0.5), (1, 0.2), (0.3, 0.4)])
@pytest.mark.parametrize("level", [0, 1, 100, 254, 255])
def test_a_flat_picture_is_truncated_at_what_float32_left_of_the_sum(
    radius: float, sigma: float, level: int
) -> None:
    total = disk_kernel(radius, sigma).astype(np.float64).sum()
    expected = min(255, int(level * total + 1e-12))
    assert (disk_blurred(np.full((20, 20, 3), level, np.uint8), radius, sigma) == expected).all()


def test_a_wide_disk_brightens() -> None:
    grey = np.full((40, 40, 3), 200, np.uint8)
    assert (disk_blurred(grey, 8, 0.5) == 202).all()
    assert (disk_blurred(grey, 10, 0.5) == 202).all()


@pytest.mark.parametrize(
    ("radius", "sigma"), [(5.3, 0.4), (7.9, 0.6), (8.7, 0.6), (11.43, 0.57), (2.5, 0.01)]
)
@pytest.mark.parametrize("shape", [(60, 41), (7, 90), (1, 1), (2, 3)])
def test_any_radius_on_any_frame(radius: float, sigma: float, shape: tuple[int, int]) -> None:
    image = np.random.default_rng(5).integers(0, 256, (*shape, 3), dtype=np.uint8)
    off = np.abs(
        disk_blurred(image, radius, sigma).astype(int)
        - plain_blur.defocus_blur(image, radius, sigma)
    )
    assert off.max() <= 1
    assert (off > 0).mean() <= 0.01


MODES: tuple[Mode, ...] = ("nearest", "reflect")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("sigma", "truncate"), [(0.3, 4.0), (1.0, 4.0), (6.0, 3.0), (40.0, 3.0)])
@pytest.mark.parametrize("shape", [(50, 61, 3), (33, 20), (1, 5, 3), (1, 1)])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_smoothing_is_that_of_scipy(
    mode: Mode, sigma: float, truncate: float, shape: tuple[int, ...], kind: type[np.floating]
) -> None:
    field = np.random.default_rng(1).random(shape).astype(kind)
    kept = field.copy()
    got = gaussian(field, sigma, truncate=truncate, mode=mode)
    sigmas = (sigma, sigma, 0)[: len(shape)]
    expected = ndimage.gaussian_filter(
        field.astype(np.float64), sigmas, truncate=truncate, mode=mode
    )
    assert got.dtype == kind
    assert np.abs(got - expected).max() < (1e-6 if kind == np.float32 else 1e-13)
    np.testing.assert_array_equal(field, kept)


def test_the_elastic_field_of_the_strongest_smoothing() -> None:
    field = np.random.default_rng(2).random((224, 224))
    expected = ndimage.gaussian_filter(field, 170.8, truncate=3.0, mode="reflect")
    np.testing.assert_allclose(
        gaussian(field, 170.8, truncate=3.0, mode="reflect"), expected, atol=1e-13
    )


def test_smoothing_is_truncated_not_rounded_and_keeps_flat_levels() -> None:
    image = chart(64)
    exact = plain_blur.smoothed(image / 255.0, 2.0) * 255
    assert (gaussian_blur.function(image, 2.0) - exact).mean() == pytest.approx(-0.5, abs=0.05)
    for level in (0, 1, 77, 255):
        flat = np.full((30, 30, 3), level, np.uint8)
        assert (gaussian_blur.function(flat, 3.0) == level).all()


def test_no_smoothing_at_all_returns_the_picture() -> None:
    image = chart(32)
    for sigma in (0.0, 0.05):
        np.testing.assert_array_equal(gaussian_blur.function(image, sigma), image)


@pytest.mark.parametrize(
    "spec",
    [
        *["gaussian_blur(sigma=-1)", "defocus_blur(radius=-2,sigma=0.5)"],
        *["defocus_blur(radius=2,sigma=0)", "motion_blur(radius=-1,sigma=2)"],
        *["motion_blur(radius=3,sigma=0)", "glass_blur(sigma=1,displacement=0,passes=1)"],
        *["glass_blur(sigma=1,displacement=2,passes=0)", "zoom_blur(step=0,stop=1.2)"],
        *["zoom_blur(step=0.1,stop=1)", "zoom_blur(step=1e-6,stop=2)"],
    ],
)
def test_senseless_strengths_are_refused(spec: str) -> None:
    with pytest.raises(UsageError, match=spec.partition("(")[0]):
        stress(spec)


def test_lengths_grow_with_the_frame() -> None:
    assert defocus_blur.levels is not None
    assert gaussian_blur.levels is not None
    assert defocus_blur.levels.strengths(4, (448, 500, 3)) == {"radius": 16.0, "sigma": 1.0}
    assert gaussian_blur.levels.strengths(2, (336, 400, 3)) == {"sigma": 3.0}
