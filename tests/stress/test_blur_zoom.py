"""Zoom blur: the clipped zoom, the float ranges, and what enters twice."""

from __future__ import annotations

import numpy as np
import plain_blur
import pytest
from golden_chart import chart

from roadworthy.stress._kernels import zoom
from roadworthy.stress._kernels.zoom import clipped_zoom, zoom_mean, zoom_source_window
from roadworthy.stress.corruptions.zoom_blur import zoom_blur, zoom_factors

LISTS = [
    (224, [(12, 1.11), (16, 1.15), (11, 1.20), (13, 1.24), (11, 1.30)]),
    (299, [(12, 1.11), (16, 1.15), (11, 1.20), (13, 1.24), (11, 1.30)]),
    (64, [(7, 1.06), (12, 1.11), (16, 1.15), (21, 1.20), (26, 1.25)]),
    (32, [(7, 1.06), (12, 1.11), (16, 1.15), (21, 1.20), (26, 1.25)]),
]


@pytest.mark.parametrize(("table", "expected"), LISTS)
def test_the_factors_are_those_of_a_float_range(
    table: int, expected: list[tuple[int, float]]
) -> None:
    assert zoom_blur.levels is not None
    for strengths, (count, last) in zip(zoom_blur.levels.tables[table], expected, strict=True):
        factors = zoom_factors(*strengths)
        assert factors[0] == 1.0
        assert len(factors) == count
        assert factors[-1] == pytest.approx(last, abs=1e-9)


def test_the_published_check_of_a_ramp() -> None:
    ramp = 224.0 * np.arange(224)[:, None] + np.arange(224)
    got = clipped_zoom(ramp, 1.05)
    found = [got[0, 0], got[0, 1], got[1, 0], got[223, 223], got[100, 50]]
    expected = [1125, 1125.950893, 1338, 48836.049107, 22472.544643]
    np.testing.assert_allclose(found, expected, atol=5e-7, rtol=0)


@pytest.mark.parametrize(
    ("size", "factor"),
    [(224, 1.03), (224, 1.11), (32, 2.25), (299, 4.5), (64, 1.75), (32, 1.0), (1, 1.3), (2, 3.0)],
)
def test_a_zoom_is_that_of_scipy(size: int, factor: float) -> None:
    field = np.random.default_rng(4).random((size, size, 3))
    np.testing.assert_allclose(
        clipped_zoom(field, factor), plain_blur.clipped_zoom(field, factor), atol=1e-13
    )
    single = clipped_zoom(field[..., 0].astype(np.float32), factor)
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, plain_blur.clipped_zoom(field[..., 0], factor), atol=1e-6)


def test_a_surplus_row_goes_at_the_end() -> None:
    # 214 rows become 225; the first of the 224 kept is the first of the middle, not between two.
    field = np.arange(224.0)[:, None] * np.ones(224)
    first = zoom_source_window(224, 224, 1.05)[0].start
    got = clipped_zoom(field, 1.05)
    assert got[0, 0] == first
    assert got[-1, 0] < first + 213


@pytest.mark.parametrize("factor", [1.05, 1.5, 2.25, 3.0])
@pytest.mark.parametrize("shape", [(50, 81), (90, 33)])
def test_only_the_window_is_read(factor: float, shape: tuple[int, int]) -> None:
    field = np.random.default_rng(6).random(shape)
    hidden = np.full(shape, np.nan)
    window = zoom_source_window(*shape, factor)
    hidden[window] = field[window]
    assert np.isfinite(clipped_zoom(hidden, factor)).all()


def test_rows_go_by_the_height_and_columns_by_the_width() -> None:
    down, across = np.random.default_rng(6).random(60), np.random.default_rng(7).random(40)
    got = clipped_zoom(down[:, None] * across, 1.3)
    rows = plain_blur.clipped_zoom(np.tile(down[:, None], 60), 1.3)[:, 0]
    columns = plain_blur.clipped_zoom(np.tile(across, (40, 1)), 1.3)[0]
    np.testing.assert_allclose(got, rows[:, None] * columns, atol=1e-13)


def test_the_clean_picture_enters_twice() -> None:
    image = chart(32)
    only = zoom_mean(image, (1.0, 1.2))
    expected = (2.0 * image + plain_blur.clipped_zoom(image.astype(float), 1.2)) / 3
    np.testing.assert_allclose(only, expected, atol=1e-3)


@pytest.mark.parametrize("shape", [(64, 64), (40, 71), (71, 40), (1, 1), (1, 30), (3, 2)])
@pytest.mark.parametrize("stop", [1.31, 3.0])
def test_the_warp_is_the_interpolation(
    shape: tuple[int, int], stop: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = np.random.default_rng(9).integers(0, 256, (*shape, 3), dtype=np.uint8)
    factors = zoom_factors(0.03, stop)
    by_default = zoom_mean(image, factors)
    monkeypatch.setattr(zoom, "EXACT_WARPS", False)
    np.testing.assert_allclose(zoom_mean(image, factors), by_default, atol=2e-3)


def test_the_mean_is_truncated_and_flat_levels_stay() -> None:
    image = chart(64)
    mean = zoom_mean(image, zoom_factors(0.01, 1.11))
    got = zoom_blur.function(image, 0.01, 1.11)
    assert (got - mean).mean() == pytest.approx(-0.5, abs=0.03)
    for level in (0, 1, 128, 255):
        flat = np.full((50, 40, 3), level, np.uint8)
        np.testing.assert_array_equal(zoom_blur.function(flat, 0.01, 1.16), flat)
