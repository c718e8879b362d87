"""What the published digital corruptions do that a tidy mind would repair, and what is refused."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import cv2
import numpy as np
import pytest
from golden_chart import chart, corrupted, reference_draws

from roadworthy.errors import SampleError, UsageError
from roadworthy.stress import STRESSES
from roadworthy.stress._kernels.warp import displaced, warped_affine
from roadworthy.stress.bound import stress
from roadworthy.stress.draws import FastDraws
from roadworthy.types import Image

NAMES = (
    "brightness",
    "saturate",
    "contrast",
    "elastic_transform",
    "pixelate",
    "jpeg_compression",
)


def draws(seed: int = 0) -> FastDraws:
    return FastDraws(np.random.Generator(np.random.Philox(seed)))


def apply(name: str, image: Image, *strengths: float, **options: Any) -> Image:
    definition = STRESSES.get(name)
    given = {"rng": draws()} if definition.takes_draws else {}
    return np.asarray(definition.function(image, *strengths, **given, **options))


def test_values_are_truncated_so_that_contrast_darkens_by_half_a_level() -> None:
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[:, None, None], 3, axis=2)
    result = apply("contrast", ramp, 0.5).astype(float)
    exact = (ramp - ramp.mean()) * 0.5 + ramp.mean()
    assert (exact - result).min() >= 0
    assert (exact - result).mean() == pytest.approx(0.5, abs=0.05)


def test_grey_turns_red_when_saturation_is_added_and_only_then() -> None:
    grey = np.full((4, 5, 3), 100, np.uint8)
    assert (apply("saturate", grey, 5.0, 0.1) == (100, 90, 90)).all()
    assert np.array_equal(apply("saturate", grey, 5.0, 0.0), grey)
    assert not apply("saturate", np.zeros((4, 5, 3), np.uint8), 5.0, 0.1).any()


def test_the_brightest_channel_is_clipped_and_takes_the_others_along() -> None:
    pixel = np.array([[[200, 100, 0]]], np.uint8)
    # 200 becomes 255 and not 302, so the hue stays: 100 becomes 127, not 202.
    assert apply("brightness", pixel, 0.4).tolist() == [[[255, 127, 0]]]


def test_black_becomes_grey_in_brightness() -> None:
    assert (apply("brightness", np.zeros((2, 2, 3), np.uint8), 0.1) == 25).all()


def test_saturation_keeps_the_largest_channel() -> None:
    image = np.random.default_rng(0).integers(0, 256, (50, 50, 3), np.uint8)
    for factor, offset in ((0.1, 0.0), (5.0, 0.1), (30.0, 0.2)):
        result = apply("saturate", image, factor, offset)
        assert np.array_equal(result.max(-1), image.max(-1))


def test_contrast_means_are_those_of_each_channel() -> None:
    image = np.zeros((2, 2, 3), np.uint8)
    image[..., 1], image[..., 2] = [[50, 150], [50, 150]], 200
    assert apply("contrast", image, 0.5)[..., 0].max() == 0
    assert apply("contrast", image, 0.5)[..., 1].tolist() == [[75, 125], [75, 125]]
    assert (apply("contrast", image, 0.5)[..., 2] == 200).all()


def test_an_affine_warp_keeps_to_steps_of_a_32nd_of_a_pixel() -> None:
    ramp = np.tile(np.arange(64, dtype=np.float32)[None, :, None] * 32, (8, 1, 4))
    for shift, step in ((0.2, 6), (0.5, 16), (0.98, 31), (1 / 64, 1)):
        moved = warped_affine(ramp, np.array([[1, 0, -shift], [0, 1, 0]], np.float64))
        assert moved[4, 20, 0] - ramp[4, 20, 0] == step


def test_warps_mirror_with_and_without_the_edge() -> None:
    row = np.array([10, 20, 30, 40], np.float32).reshape(1, 4, 1).repeat(4, axis=2)
    left = np.array([[1, 0, 2], [0, 1, 0]], np.float64)
    assert warped_affine(row, left)[0, :, 0].tolist() == [30, 20, 10, 20]
    two = np.full((1, 4), -2, np.float32)
    assert displaced(row, two, 0 * two)[0, :, 0].tolist() == [20, 10, 10, 20]


def test_warps_from_far_outside_are_folded_back_exactly() -> None:
    row = np.array([10, 20, 30, 40], np.float32).reshape(1, 4, 1).repeat(4, axis=2)
    period = 6
    near = np.array([[1, 0, 2], [0, 1, 0]], np.float64)
    far = near + np.array([[0, 0, period * 10_000], [0, 0, 0]])
    assert np.array_equal(warped_affine(row, far), warped_affine(row, near))


def test_elastic_of_severity_1_on_tiny_images_is_affine_alone() -> None:
    image = chart(64)
    definition = STRESSES.get("elastic_transform")
    whole = apply("elastic_transform", image, 0.0, 0.0, 5.12)
    assert not np.array_equal(whole, image)
    still = definition.function(image, 0.0, 0.0, 0.0, rng=draws())
    assert np.array_equal(still, image)


def test_elastic_draws_right_before_down() -> None:
    ramp = np.tile(np.arange(0, 224, dtype=np.uint8)[None, :, None], (224, 1, 3))
    state = reference_draws(3).state
    state.uniform(size=(3, 2))
    from scipy.ndimage import gaussian_filter

    right = 29.28 * gaussian_filter(state.uniform(-1, 1, (224, 224)), 2.44, truncate=3.0)
    moved = STRESSES.get("elastic_transform").function(
        ramp, 29.28, 2.44, 0.0, rng=reference_draws(3)
    )
    inside = np.s_[20:-20, 20:-20]
    expected = np.floor(ramp[..., 0] + right)[inside]
    assert np.abs(moved[..., 0][inside] - expected).max() <= 1


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(1, 1), (2, 2), (1, 9), (7, 3), (3, 50), (33, 47), (150, 400)])
def test_any_frame_works_or_is_refused(name: str, shape: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    before = image.copy()
    for severity in (1, 3, 5):
        if name == "elastic_transform" and min(shape) < 3:
            with pytest.raises(SampleError, match=f"at least 3 pixels a side, not {shape[1]}x"):
                corrupted(name, image, severity, draws=draws())
        else:
            result = corrupted(name, image, severity, draws=draws())
            assert result.shape == image.shape
            assert result.dtype == np.uint8
    assert np.array_equal(image, before)


@pytest.mark.parametrize("name", NAMES)
def test_memory_may_be_laid_out_in_any_way(name: str) -> None:
    image = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    views = (image[:, ::-1], image[..., ::-1], image.swapaxes(0, 1), image[::2, ::2])
    for view in views:
        view.flags.writeable = False
        plain = corrupted(name, view.copy(), 3, draws=draws())
        assert np.array_equal(corrupted(name, view, 3, draws=draws()), plain)


def test_frames_too_large_for_the_method_are_refused() -> None:
    with pytest.raises(SampleError, match="65500 pixels a side, not 65501x1"):
        apply("jpeg_compression", np.zeros((1, 65501, 3), np.uint8), 10)
    with pytest.raises(SampleError, match="at most 32766 pixels a side, not 3x32767"):
        apply("elastic_transform", np.zeros((32767, 3, 3), np.uint8), 1.0, 1.0, 1.0)
    long = np.random.default_rng(0).integers(0, 256, (3, 32766, 3), np.uint8)
    assert apply("elastic_transform", long, 1.0, 1.0, 1.0).shape == long.shape


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("brightness(amount=2)", "amount is -1 to 1"),
        ("brightness(severity=0)", "severity is 1 to 5, not 0"),
        ("saturate(factor=-1, offset=0)", "factor is a number, 0 or larger, not -1"),
        ("saturate(factor=1, offset=3)", "offset is -1 to 1"),
        ("saturate(factor=1)", "factor alone is not enough, give offset"),
        ("contrast(factor=-0.5)", "factor is a number, 0 or larger"),
        ("pixelate(fraction=0)", "fraction is above 0 and at most 1, not 0"),
        ("pixelate(fraction=1.5)", "fraction is above 0"),
        ("jpeg_compression(quality=0)", "quality is 1 to 100, not 0"),
        ("jpeg_compression(quality=101)", "quality is 1 to 100, not 101"),
        ("elastic_transform(amplitude=1, sigma=-1, displacement=0)", "sigma is in pixels, 0 or"),
    ],
)
def test_senseless_strengths_are_refused_before_anything_runs(text: str, match: str) -> None:
    with pytest.raises(UsageError, match=match):
        stress(text)


@pytest.mark.parametrize("name", ["brightness", "saturate", "contrast", "pixelate"])
def test_not_a_number_is_no_strength(name: str) -> None:
    definition = STRESSES.get(name)
    assert definition.levels is not None
    assert definition.check is not None
    with pytest.raises(UsageError, match="nan"):
        definition.check({n: float("nan") for n in definition.levels.names})


def test_lengths_of_elastic_grow_with_the_frame() -> None:
    levels = STRESSES.get("elastic_transform").levels
    assert levels is not None
    assert levels.strengths(3, (448, 600, 3)) == {
        "amplitude": 24.4,
        "sigma": 4.88,
        "displacement": 9.76,
    }
    assert levels.strengths(3, (299, 299, 3))["amplitude"] == 18.0
    assert levels.strengths(3, (40, 40, 3))["amplitude"] == 2.56


def test_threads_do_not_disturb_each_other() -> None:
    images = np.random.default_rng(0).integers(0, 256, (8, 64, 64, 3), np.uint8)
    jobs = [(n, i) for n in NAMES for i in range(8)] * 3

    def one(job: tuple[str, int]) -> Image:
        return corrupted(job[0], images[job[1]], 4, draws=draws(job[1]))

    alone = [one(job) for job in jobs]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(one, jobs))
    assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))


def test_jpeg_is_written_with_halved_colour_whatever_opencv_prefers() -> None:
    stripes = np.zeros((32, 32, 3), np.uint8)
    stripes[:, ::2, 0] = 255
    blurred = apply("jpeg_compression", stripes, 95)
    options = [cv2.IMWRITE_JPEG_QUALITY, 95, cv2.IMWRITE_JPEG_SAMPLING_FACTOR]
    options.append(cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444)
    data = cv2.imencode(".jpg", np.ascontiguousarray(stripes[..., ::-1]), options)[1]
    full = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR_RGB))
    assert np.ptp(full[..., 0].astype(int)) > np.ptp(blurred[..., 0].astype(int)) + 60
