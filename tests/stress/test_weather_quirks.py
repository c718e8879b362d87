"""Quirks of the published weather, which fail here when somebody repairs them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
from golden_chart import chart

from roadworthy.stress._kernels.droplets import under_mud, under_water
from roadworthy.stress._kernels.flakes import flakes, under_snow
from roadworthy.stress._kernels.truncation import truncated_mean
from roadworthy.stress.corruptions.fog import fog
from roadworthy.stress.corruptions.snow import snow
from roadworthy.stress.draws import FastDraws, Floats, ReferenceDraws, Singles, Window
from roadworthy.types import Image


def fast(seed: int = 0) -> FastDraws:
    return FastDraws(np.random.Generator(np.random.Philox(seed)))


def grey(value: int, size: int = 8) -> Image:
    return np.full((size, size, 3), value, np.uint8)


@dataclass(frozen=True)
class Given(FastDraws):
    """Draws whose normal field is given, and which count what they were asked for."""

    values: Floats = field(default_factory=lambda: np.zeros((0, 0)))

    def normal_field(self, shape: tuple[int, ...], *, window: Window | None = None) -> Singles:
        assert self.values.shape == shape
        return self.values[window or ...].astype(np.float32)


def test_values_are_truncated_and_whole_ones_stay() -> None:
    image = np.arange(256, dtype=np.uint8).repeat(3).reshape(1, 256, 3)
    for weight in (0.0, 0.3, 0.7, 1.0):
        for level in (0.0, 0.25, 1.5, 60.0, 99.9, 700.0):
            layer = np.full((1, 256), level, np.float32)
            exact = np.floor(image * weight + (1 - weight) * level + 1e-5)
            assert np.array_equal(truncated_mean(image, weight, layer), np.minimum(exact, 255))


def test_fog_keeps_the_brightest_value_of_the_picture_as_its_ceiling() -> None:
    foggy = fog.function(grey(102, 64), 1.2, 2.0, rng=fast())
    # 0.4 (0.4 + 1.2 P) / (0.4 + 1.2), where P spans 0 to 1 over the whole map.
    assert (foggy.min(), foggy.max()) == (25, 102)


def test_fog_leaves_a_black_picture_black() -> None:
    assert not fog.function(grey(0), 2.0, 2.0, rng=fast()).any()


def test_fog_is_the_same_in_all_channels() -> None:
    foggy = fog.function(grey(100, 32), 1.5, 2.0, rng=fast())
    assert np.ptp(foggy, axis=2).max() == 0
    assert np.ptp(foggy) > 20


def test_fog_of_a_smaller_frame_is_the_corner_of_the_map() -> None:
    large = fog.function(grey(200, 64), 1.5, 2.0, rng=fast())
    small = fog.function(grey(200, 64)[:40, :50], 1.5, 2.0, rng=fast())
    assert np.array_equal(small, large[:40, :50])


def test_flakes_are_truncated_and_start_at_the_threshold() -> None:
    values = np.array([[0.4999, 0.5, 0.7], [-3.0, 1.2, 0.9999], [0.0, 0.55, 0.6]])
    layer = flakes(
        3, 3, mean=0.0, spread=1.0, zoom=1.0, threshold=0.5, rng=Given(fast().generator, values)
    )
    assert layer.tolist() == [[0, 127, 178], [0, 255, 254], [0, 140, 153]]


def test_flakes_are_the_middle_of_the_field_enlarged() -> None:
    values = np.zeros((30, 30))
    values[15, 12] = 1.0
    layer = flakes(
        30, 30, mean=0.0, spread=1.0, zoom=2.0, threshold=0.3, rng=Given(fast().generator, values)
    )
    row, column = np.unravel_index(layer.argmax(), layer.shape)
    # 15 rows from 7 on become 30: row 15 is the ninth of them.
    assert [int(row), int(column)] == [17, 10]


def test_fast_draws_draw_only_the_flakes_that_are_seen() -> None:
    drawn: list[int] = []

    class Counting(FastDraws):
        def normal_field(self, shape: tuple[int, ...], *, window: Window | None = None) -> Singles:
            result = super().normal_field(shape, window=window)
            drawn.append(result.size)
            return result

    flakes(
        224,
        224,
        mean=0.1,
        spread=0.3,
        zoom=4.0,
        threshold=0.5,
        rng=Counting(fast().generator),
    )
    assert drawn == [56 * 56]


def test_snow_falls_twice_the_second_time_upside_down() -> None:
    layer = np.zeros((5, 7), np.uint8)
    layer[0, 2] = 100
    layer[2, 3] = 200  # the middle meets itself and is clipped
    result = under_snow(grey(10, 7)[:5], layer, 1.0)
    raised = np.argwhere(result[..., 0] > 10).tolist()
    assert raised == [[0, 2], [2, 3], [4, 4]]
    assert result[0, 2].tolist() == result[4, 4].tolist() == [110, 110, 110]
    assert result[2, 3].tolist() == [255, 255, 255]


def test_snow_whitens_by_grey_value_without_clipping_before_the_mean() -> None:
    picture = np.array([[[200, 10, 30], [255, 255, 255], [90, 200, 40]]], np.uint8)
    layer = np.zeros((1, 3), np.uint8)
    light = 1.5 * (picture @ np.array([0.299, 0.587, 0.114]))[..., None] + 127.5
    exact = 0.6 * picture + 0.4 * np.maximum(picture, light)
    assert np.array_equal(
        under_snow(picture, layer, 0.6), np.minimum(exact + 1e-4, 255).astype(int)
    )


def test_snow_falls_along_lines_between_45_and_135_degrees() -> None:
    values = np.zeros((61, 61))
    values[30, 30] = 1.0
    columns = []
    for seed in range(40):
        rng = Given(np.random.Generator(np.random.Philox(seed)), values)
        result = snow.function(grey(0, 61), 0.0, 1.0, 1.0, 0.5, 20.0, 50.0, 1.0, rng=rng)
        streak = np.argwhere(result[:30, :, 0] > 0) - 30
        columns.append(streak[streak[:, 0].argmin(), 1] / -streak[:, 0].min())
    # From the flake upwards: the tangent of up to 45 degrees to either side.
    assert -1.05 <= min(columns) < -0.5
    assert 0.5 < max(columns) <= 1.05


def test_a_drop_brighter_than_the_range_wraps_around() -> None:
    layer = np.zeros((64, 64), np.float32)
    layer[20:44, 20:44] = 0.8
    layer[30:34, 30:34] = 257.5 / 255.0  # 1 after wrapping, nearly no drop
    result = under_water(grey(20, 64), layer, 0.6)
    assert result[31:33, 31:33].max() - 20 <= 2
    assert result[20:44, 20:44].max() == 20 + 142


def test_water_is_pale_turquoise_and_its_brightest_drop_as_bright_as_asked() -> None:
    layer = np.zeros((64, 64), np.float32)
    layer[20:44, 20:44] = 0.8
    raised = under_water(grey(5, 64), layer, 0.5).reshape(-1, 3).max(axis=0) - 5
    assert raised.tolist() == [87, 119, 119]


@pytest.mark.parametrize("kind", ["water", "mud"])
def test_without_a_drop_the_picture_stays(kind: str) -> None:
    picture, layer = chart(32), np.zeros((32, 32), np.float32)
    if kind == "water":
        assert np.array_equal(under_water(picture, layer, 0.6), picture)
    else:
        assert np.array_equal(under_mud(picture, layer, 0.5, 1.0), picture)


def test_mud_is_brown_inside_and_ends_where_it_is_thin() -> None:
    layer = np.zeros((41, 41), np.float32)
    layer[:, 20:] = 1.0
    row = under_mud(grey(255, 41), layer, 0.5, 2.0)[20]
    assert row[40].tolist() == [63, 42, 20]
    assert row[:21].min() == 255  # half covered, and no mud
    kept = row[(row[:, 0] < 255) & (row[:, 0] > 63)]
    assert len(kept) >= 2
    assert kept[:, 0].max() <= 255 - 0.8 * (255 - 63)


def test_reference_draws_meet_the_published_order_of_snow() -> None:
    state = np.random.RandomState(3)
    state.normal(size=(32, 32))
    angle = state.uniform(-135, -45)
    draws = ReferenceDraws(np.random.RandomState(3))
    draws.normal_field((32, 32), window=(slice(0, 4), slice(0, 4)))
    assert float(draws.uniform(-135.0, -45.0, ())) == angle
