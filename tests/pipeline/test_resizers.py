"""Golden vectors of the ImageNet-S notebook and impulse fingerprints of every resizer."""

from __future__ import annotations

import platform
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch
from fingerprints import ROWS, Row
from numpy.typing import NDArray
from PIL import Image as PillowImage

from roadworthy.errors import MissingPackageError, SampleError
from roadworthy.pipeline.backend import require
from roadworthy.pipeline.base import Pipeline, resized
from roadworthy.pipeline.native import as_tensor
from roadworthy.pipeline.probe import pattern
from roadworthy.pipeline.stages import find_resizer, resizer_names
from roadworthy.types import Image

Plane = NDArray[np.float32]

IN_BYTES = ("swscale", "torchvision")
"""Families that take bytes alone."""
EIGHT_BIT_ONLY = {"opencv-linear-exact"}


def here(name: str) -> tuple[Any, str]:
    """Return a resizer as family and filter; skips the test where its package is missing."""
    family, kernel = find_resizer(name)
    try:
        require(family)
    except MissingPackageError as error:
        pytest.skip(str(error))
    return family, kernel


def resize_plane(plane: Plane, size: tuple[int, int], name: str) -> Plane:
    """Resize one float plane with the very function that resizes images."""
    family, kernel = here(name)
    result: Plane = family.function(plane, size, kernel)
    assert result.dtype == np.float32
    return result


GOLDEN = {
    "opencv-nearest": (255, 255, 255),
    "opencv-nearest-exact": (0, 0, 0),
    "pillow-nearest": (0, 0, 0),
    "opencv-linear": (127.5, 127.5, 127.5),
    "opencv-area": (127.5, 127.5, 127.5),
    "pillow-box": (127.5, 127.5, 127.5),
    "opencv-cubic": (103.594, 127.5, 151.406),
    "opencv-lanczos4": (81.946, 127.5, 173.054),
    "pillow-bilinear": (145.714, 127.5, 109.286),
    "pillow-hamming": (132.564, 127.5, 122.436),
    "pillow-bicubic": (146.172, 127.5, 108.828),
    "pillow-lanczos": (148.205, 127.5, 106.795),
    # The same filters elsewhere.
    "tensorflow-nearest": (0, 0, 0),
    "tensorflow-nearest-asymmetric": (255, 255, 255),
    "tensorflow-bilinear": (127.5, 127.5, 127.5),
    "tensorflow-area": (127.5, 127.5, 127.5),
    "tensorflow-bilinear-antialias": (145.714, 127.5, 109.286),
    "tensorflow-bicubic-antialias": (146.172, 127.5, 108.828),
    "tensorflow-lanczos3-antialias": (148.205, 127.5, 106.795),
    "skimage-nearest": (0, 0, 0),
    "skimage-bilinear": (127.5, 127.5, 127.5),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_row(name: str) -> None:
    plane = np.tile(np.array([255, 0], np.float32), (6, 3))
    result = resize_plane(plane, (3, 3), name)
    assert np.allclose(result, GOLDEN[name], atol=1e-3)


def test_every_resizer_has_a_fingerprint() -> None:
    assert set(resizer_names()) == set(ROWS)


def impulse(at: int, low: float, high: float) -> NDArray[np.float64]:
    """Return a picture, 14 x 9, of one bright column; two rows at the end hold the extremes.

    scikit-image clips what it returns to the range of the picture, and a bright column alone would
    lose its negative weights.
    """
    picture = np.full((14, 9), low)
    picture[:, at] = high
    picture[12], picture[13] = 2 * low - high, 2 * high - low
    return picture


def response(name: str, axis: int) -> Row:
    """Return what each of nine inputs weighs in output 1, in floats where the family takes them."""
    in_bytes = name.startswith(IN_BYTES) or name in EIGHT_BIT_ONLY
    low, high = (85, 170) if in_bytes else (0.25, 0.75)
    weights = []
    for at in range(9):
        picture = impulse(at, low, high)
        size = (14, 4) if axis else (4, 14)
        if in_bytes:
            family, kernel = here(name)
            grey = np.repeat(picture.astype(np.uint8)[:, :, None], 3, axis=2)
            turned = grey if axis else np.ascontiguousarray(grey.transpose(1, 0, 2))
            result = family.function(turned, size, kernel)[:, :, 0].astype(float)
        else:
            plane = picture.astype(np.float32)
            result = resize_plane(plane if axis else np.ascontiguousarray(plane.T), size, name)
        seen = result[3, 1] if axis else result[1, 3]
        weights.append((seen - low) / (high - low))
    return np.array(weights)


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("axis", [0, 1])
def test_impulse_fingerprint(name: str, axis: int) -> None:
    if name == "swscale-fast-bilinear" and not axis:
        pytest.skip("rows and columns are of two kinds there; it has a test of its own")
    seen = response(name, axis)
    in_bytes = name.startswith(IN_BYTES) or name in EIGHT_BIT_ONLY
    # swscale leaves out the smallest weights; libvips rounds where a pixel lies.
    close = 0.012 if name.startswith("swscale") else 0.006 if in_bytes else 1e-4
    assert np.allclose(seen, ROWS[name], atol=close), f"{name}: {seen.round(4).tolist()}"
    assert seen.sum() == pytest.approx(1, abs=0.02 if in_bytes else 1e-3)


@pytest.mark.parametrize("name", ROWS)
def test_bytes_agree_with_the_weights(name: str) -> None:
    family, kernel = here(name)
    draws = np.random.default_rng(3)
    column = draws.integers(60, 196, size=(9, 1, 1), dtype=np.uint8)  # no filter overshoots
    image = np.tile(column, (1, 9, 3)).transpose(1, 0, 2)
    result = family.function(np.ascontiguousarray(image), (9, 4), kernel)
    expected = ROWS[name] @ column[:, 0, 0]
    assert result.dtype == np.uint8
    assert result.shape == (9, 4, 3)
    # swscale leaves out the smallest weights, scikit-image clips to the range of the picture.
    close = 3.0 if name.startswith("swscale") else 1.0
    low, high = (column.min(), column.max()) if name.startswith("skimage") else (0, 255)
    assert np.abs(result[:, 1].astype(float) - np.clip(expected, low, high)).max() <= close


@pytest.mark.parametrize("count", [(36, 16), (72, 32), (200, 150)])
def test_fast_bilinear_of_swscale_leaves_out_two_pixels_and_darkens(count: tuple[int, int]) -> None:
    family, kernel = here("swscale-fast-bilinear")
    if platform.machine() != "x86_64":
        pytest.skip("the fast path is written for x86-64")
    place = 5.5 * (count[0] - 2) / (count[1] - 2) - 0.5
    weights = []
    for at in range(count[0]):
        image = np.full((20, count[0], 3), 85, np.uint8)
        image[:, at] = 170
        weights.append((float(family.function(image, (20, count[1]), kernel)[5, 5, 0]) - 83) / 85)
    expected = np.maximum(0, 1 - np.abs(np.arange(count[0]) - place))
    assert np.abs(np.array(weights) - expected).max() < 0.03


@pytest.mark.parametrize("kernel", ["bilinear", "bicubic", "point", "lanczos"])
def test_swscale_halves_the_colour_of_pictures_at_half_the_width_or_less(kernel: str) -> None:
    family, _ = here(f"swscale-{kernel}")
    image = pattern(80, 120)
    for width, halved in ((61, False), (60, True)):
        planes = []
        for channel in range(3):
            grey = np.repeat(image[:, :, channel, None], 3, axis=2)
            planes.append(family.function(grey, (44, width), kernel)[:, :, 0])
        apart = np.abs(
            family.function(image, (44, width), kernel) - np.stack(planes, 2).astype(int)
        )
        assert (apart.mean() > 2) == halved
        assert (apart.mean() < 0.3) != halved


@pytest.mark.parametrize("gap", [1, 2, 3])
@pytest.mark.parametrize("kernel", ["box", "bilinear", "hamming", "bicubic", "lanczos"])
def test_a_reducing_gap_averages_whole_pixels_first(kernel: str, gap: int) -> None:
    image = pattern(130, 211)
    name = f"pillow-{kernel}-reducing-gap-{gap}"
    for size in ((40, 30), (20, 17), (12, 100)):
        rows, columns = (
            max(1, int(have / want / gap)) for have, want in zip((130, 211), size, strict=True)
        )
        small = PillowImage.fromarray(image).reduce((columns, rows))
        filtering = PillowImage.Resampling[kernel.upper()]
        box = (0, 0, 211 / columns, 130 / rows)
        want = small.resize(size[::-1], filtering, box=box)
        family, given = find_resizer(name)
        ours = family.function(image, size, given)
        assert np.array_equal(ours, np.asarray(want))
        plain = family.function(image, size, kernel)
        assert np.array_equal(ours, plain) is (rows == columns == 1)


@pytest.mark.parametrize("name", [n for n in ROWS if n.startswith("torchvision")])
def test_torchvision_is_its_own_resize_of_read_only_pictures(name: str) -> None:
    from torchvision.transforms.v2 import InterpolationMode, Resize

    family, kernel = find_resizer(name)
    mode, _, antialias = kernel.partition("-")
    image = pattern(61, 83)
    tensor = torch.from_numpy(image.copy()).permute(2, 0, 1).contiguous()
    own = Resize((30, 100), InterpolationMode(mode), antialias=bool(antialias))
    image.flags.writeable = False
    ours = family.function(image, (30, 100), kernel)
    assert np.array_equal(ours, own(tensor).permute(1, 2, 0).numpy())
    assert ours.flags.c_contiguous
    floats = find_resizer(f"torch-{kernel}")[0].function(image, (30, 100), kernel)
    apart = np.abs(ours.astype(int) - floats)
    # Between the two passes bytes are clamped, which cubics overshoot.
    assert 0 < apart.max() <= (1 if mode == "bilinear" else 32)


def test_a_tensor_shares_the_memory_of_its_image() -> None:
    image = pattern(5, 7)
    image.flags.writeable = False
    tensor = as_tensor(image)
    assert tensor.shape == (5, 7, 3)
    assert tensor.data_ptr() == image.ctypes.data
    assert np.array_equal(tensor.numpy(), image)
    part = image[1:4, 2:6]
    assert np.array_equal(as_tensor(part).numpy(), part)
    alive = weakref.ref(image)
    del image, part
    assert alive() is not None
    del tensor
    assert alive() is None
    assert as_tensor(np.zeros((0, 4, 3), np.uint8)).shape == (0, 4, 3)


@pytest.mark.parametrize(
    "name",
    [
        "torch-bicubic",
        "torch-bicubic-antialias",
        "tensorflow-bicubic",
        "tensorflow-lanczos3",
        "tensorflow-bicubic-asymmetric",
        "skimage-bicubic",
    ],
)
def test_what_computes_in_floats_is_rounded_and_clamped(name: str) -> None:
    family, kernel = here(name)
    edge = np.repeat(pattern(8, 9)[:, :, :1], 3, axis=2)
    edge[:, 4:] = 255
    edge[:, 3] = 0
    result = family.function(edge, (16, 17), kernel)
    floats = resize_plane(edge[:, :, 0].astype(np.float32), (16, 17), name)
    assert np.array_equal(result[:, :, 1], np.clip(np.round(floats), 0, 255))
    assert np.abs(floats - np.floor(floats) - 0.5).min() < 0.4
    if not name.startswith("skimage"):  # which clips to the range of the picture
        assert floats.min() < -1
        assert floats.max() > 256


@pytest.mark.parametrize("name", ROWS)
def test_read_only_images_are_taken_and_left_alone(name: str) -> None:
    family, kernel = here(name)
    image = np.random.default_rng(4).integers(0, 256, size=(17, 23, 3), dtype=np.uint8)
    before = image.copy()
    image.flags.writeable = False
    result = family.function(image, (11, 40), kernel)
    assert result.shape == (11, 40, 3)
    assert result.dtype == np.uint8
    assert np.array_equal(image, before)


@pytest.mark.parametrize("name", ROWS)
def test_a_part_of_a_picture_is_resized_like_a_copy_of_it(name: str) -> None:
    family, kernel = here(name)
    image = pattern(40, 50)
    part = image[3:33, 5:46]
    ours = family.function(part, (16, 21), kernel)
    assert np.array_equal(ours, family.function(part.copy(), (16, 21), kernel))


@pytest.mark.parametrize("name", ROWS)
def test_sizes_are_exact_and_flat_pictures_stay_flat(name: str) -> None:
    family, kernel = here(name)
    draws = np.random.default_rng(6)
    sizes = [(1, 1), (1, 9), (2, 3), *(tuple(draws.integers(1, 120, 2)) for _ in range(6))]
    fast = name == "swscale-fast-bilinear"
    for have, want in zip(sizes, sizes[::-1], strict=True):
        flat = np.full((int(have[0]), int(have[1]), 3), 131, np.uint8)
        result = family.function(flat, (int(want[0]), int(want[1])), kernel)
        assert result.shape == (*want, 3)
        assert np.abs(result.astype(int) - 131).max() <= (3 if fast else 1), (have, want)


def test_opencv_linear_is_area_at_exactly_half() -> None:
    image = np.random.default_rng(5).integers(0, 256, size=(16, 16, 3), dtype=np.uint8)
    linear, area = (
        find_resizer(f"opencv-{k}")[0].function(image, (8, 8), k) for k in ("linear", "area")
    )
    assert np.array_equal(linear, area)


def test_what_a_library_refuses_is_said_of_the_image() -> None:
    here("swscale-sinc")
    image = np.zeros((1, 300, 3), np.uint8)
    pipeline = Pipeline((24, 16), resize="swscale-sinc", geometry="squash")
    with pytest.raises(SampleError, match="swscale-sinc cannot resize 300 x 1 pixels to 16 x 24"):
        resized(image, pipeline)


def tf_cubic(x: float) -> float:
    x = abs(round(x * 1024) / 1024)
    return 1.5 * x**3 - 2.5 * x**2 + 1 if x <= 1 else -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2


def slowly(column: NDArray[Any], outputs: int, kernel: Any, reach: int) -> list[float]:
    """Weigh a column one output at a time, in double precision, nothing beyond the edge."""
    count, found = len(column), []
    for output in range(outputs):
        place = (output + 0.5) * count / outputs - 0.5
        first = int(np.floor(place)) - reach + 1
        taps = [k for k in range(first, first + 2 * reach) if 0 <= k < count]
        weights = [kernel(k - place) for k in taps]
        found.append(np.dot(weights, column[taps]) / sum(weights))
    return found


@pytest.mark.parametrize(("count", "outputs"), [(5, 7), (31, 8), (8, 31), (2, 5)])
def test_tensorflow_cubic_leaves_out_what_is_beyond_the_edge(count: int, outputs: int) -> None:
    column = np.random.default_rng(count).uniform(0, 1, count)
    plane = np.repeat(column[:, None], 3, axis=1).astype(np.float32)
    ours = resize_plane(plane, (outputs, 3), "tensorflow-bicubic")[:, 1]
    assert np.allclose(ours, slowly(column, outputs, tf_cubic, 2), atol=1e-5)


# Recorded from TensorFlow 2.21: an impulse at each of five inputs, outputs 0 and 1 of seven.
GROWN: dict[str, tuple[list[float], list[float]]] = {
    "tensorflow-bicubic": ([1.0582, -0.0582, 0, 0, 0], [0.4406, 0.6259, -0.0665, 0, 0]),
    "tensorflow-area": ([1, 0, 0, 0, 0], [0.4, 0.6, 0, 0, 0]),
    "tensorflow-lanczos3": (
        [1.0802, -0.1054, 0.0252, 0, 0],
        [0.467, 0.6394, -0.1323, 0.0259, 0],
    ),
    "tensorflow-bilinear": ([1, 0, 0, 0, 0], [0.4286, 0.5714, 0, 0, 0]),
}


@pytest.mark.parametrize("name", GROWN)
def test_tensorflow_enlarges_as_recorded(name: str) -> None:
    result = resize_plane(np.eye(5, dtype=np.float32), (5, 7), name)
    for output, expected in enumerate(GROWN[name]):
        assert np.allclose(result[:, output], expected, atol=1e-4)


def test_scalers_of_threads_do_not_mix() -> None:
    family, kernel = here("swscale-bicubic")
    pictures: list[Image] = [pattern(30 + 7 * n, 90 - 5 * n) for n in range(8)]
    alone = [family.function(p, (24, 31), kernel) for p in pictures]
    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(family.function, p, (24, 31), kernel) for p in pictures * 4]
        for job, want in zip(jobs, alone * 4, strict=True):
            assert np.array_equal(job.result(), want)
