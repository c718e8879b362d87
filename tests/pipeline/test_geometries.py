"""Every geometry against the framework whose rule it is, over sizes that hypothesis draws."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from PIL import Image as PillowImage
from timm.data.transforms import CenterCropOrPad, ResizeKeepRatio
from torchvision.transforms import CenterCrop
from torchvision.transforms.functional import _compute_resized_output_size

from roadworthy.errors import SampleError, UsageError
from roadworthy.pipeline.base import Pipeline, framed, resized, validate
from roadworthy.pipeline.bounds import PIXELS_MAX
from roadworthy.pipeline.probe import pattern
from roadworthy.pipeline.stages import GEOMETRIES, Part
from roadworthy.pipeline.steps import part_of, target_size
from roadworthy.types import Image

QUICK = settings(max_examples=60, deadline=None)
SIDES = st.integers(1, 700)
FRAMES = st.integers(1, 300)
FRACTIONS = st.sampled_from([0.5, 0.8, 0.875, 0.9, 0.95, 0.96, 1.0])
ALL = sorted(GEOMETRIES)


def squared(side: int, geometry: str, **more: Any) -> Pipeline:
    return Pipeline((side, side), geometry=geometry, resize="opencv-nearest", **more)


def marked(height: int, width: int) -> Image:
    """Return a picture whose pixels say where they are, up to 256 by 256."""
    rows, columns = np.indices((height, width))
    return np.stack([rows, columns, 255 + 0 * rows], axis=2).astype(np.uint8)


def oracle(image: Image, transform: Any) -> Image:
    result: Image = np.asarray(transform(PillowImage.fromarray(image)))
    return result


def bounded(size: tuple[int, ...]) -> tuple[int, ...] | None:
    """Return a size that torchvision would make, None if it is more than we do."""
    return size if math.prod(size) <= PIXELS_MAX else None


def size_of(height: int, width: int, pipeline: Pipeline) -> tuple[int, int] | None:
    """Return what a picture is resized to, None where that is refused for its size."""
    try:
        return target_size(height, width, pipeline)
    except SampleError as error:
        return None if "above the bound" in str(error) else (-1, -1)


@QUICK
@given(SIDES, SIDES, FRAMES, FRACTIONS)
@example(1, 249, 300, 0.5)
def test_crop_and_floor_crop_resize_as_torchvision(
    height: int, width: int, side: int, fraction: float
) -> None:
    want = tuple(_compute_resized_output_size((height, width), [int(np.floor(side / fraction))]))
    for name in ("crop", "floor_crop"):
        assert size_of(height, width, squared(side, name, crop=fraction)) == bounded(want)


@QUICK
@given(SIDES, SIDES, st.integers(1, 400))
@example(700, 1, 400)
def test_an_explicit_side_is_taken_as_torchvision_takes_it(
    height: int, width: int, short: int
) -> None:
    want = tuple(_compute_resized_output_size((height, width), [short]))
    asked = squared(9, "floor_crop", resize_to=short)
    assert size_of(height, width, asked) == bounded(want)


@QUICK
@given(st.integers(1, 90), st.integers(1, 90), st.integers(1, 90))
def test_crop_begins_where_torchvision_does(height: int, width: int, side: int) -> None:
    image = marked(height, width)
    want = oracle(image, CenterCrop(side))
    assert np.array_equal(framed(image, squared(side, "crop")), want)


def test_floor_crop_is_the_one_of_hugging_face() -> None:
    transforms = pytest.importorskip("transformers.image_transforms")
    draws = np.random.default_rng(11)
    differs = 0
    for _ in range(200):
        height, width, side = (int(n) for n in draws.integers(1, 90, size=3))
        image = marked(height, width)
        want = transforms.center_crop(image, (side, side), input_data_format="channels_last")
        ours = framed(image, squared(side, "floor_crop"))
        assert np.array_equal(ours, want), (height, width, side)
        differs += not np.array_equal(ours, framed(image, squared(side, "crop")))
    assert differs > 20


def test_rounded_crop_is_the_one_of_albumentations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_ALBUMENTATIONS_UPDATE", "1")
    package = pytest.importorskip("albumentations")
    draws = np.random.default_rng(12)
    differs = 0
    for _ in range(60):
        height, width = (int(n) for n in draws.integers(1, 256, size=2))
        short = int(draws.integers(8, 90))
        image = marked(height, width)
        steps = [package.SmallestMaxSize(short, interpolation=0), package.CenterCrop(8, 8)]
        want = package.Compose(steps)(image=image)["image"]
        pipeline = squared(8, "rounded_crop", resize_to=short)
        assert np.array_equal(framed(resized(image, pipeline), pipeline), want), image.shape
        other = squared(8, "crop", resize_to=short)
        differs += target_size(height, width, pipeline) != target_size(height, width, other)
    assert differs > 10


def test_rounded_crop_rounds_what_crop_truncates() -> None:
    ours = [squared(224, name) for name in ("crop", "rounded_crop")]
    assert [target_size(375, 512, one) for one in ours] == [(256, 349), (256, 350)]
    assert [target_size(512, 375, one) for one in ours] == [(349, 256), (350, 256)]


# What TensorFlow 2.21 and Keras 3 (smart_resize) cut out of pictures of these sizes.
CUT = [
    ("central_crop", (140, 585), 224, 0.5, (35, 146, 70, 293)),
    ("central_crop", (510, 463), 224, 0.9, (25, 23, 460, 417)),
    ("central_crop", (625, 5), 224, 0.96, (12, 0, 601, 5)),
    ("central_crop", (25, 29), 224, 0.96, (0, 0, 25, 29)),
    ("central_crop", (239, 696), 224, 0.8, (23, 69, 193, 558)),
    ("central_square", (140, 585), 380, 0.9, (6, 228, 129, 129)),
    ("central_square", (510, 463), 528, 0.9, (37, 14, 436, 436)),
    ("central_square", (625, 5), 600, 0.9, (311, 1, 4, 4)),
    ("central_square", (224, 435), 224, 0.9, (14, 120, 196, 196)),
    ("central_square", (230, 451), 300, 0.9, (12, 122, 207, 207)),
    ("aspect_crop", (140, 585), (224, 224), 0.9, (0, 222, 140, 140)),
    ("aspect_crop", (99, 502), (96, 128), 0.9, (0, 185, 99, 132)),
    ("aspect_crop", (625, 5), (96, 128), 0.9, (311, 0, 3, 5)),
    ("aspect_crop", (224, 435), (300, 200), 0.9, (0, 143, 224, 149)),
    ("aspect_crop", (239, 696), (96, 128), 0.9, (0, 189, 239, 318)),
    ("inner", (400, 480), 299, 0.5, (25, 30, 350, 420)),
]


@pytest.mark.parametrize(("name", "shape", "size", "crop", "want"), CUT)
def test_the_part_that_is_resized_is_the_one_of_the_framework(
    name: str, shape: tuple[int, int], size: int | tuple[int, int], crop: float, want: Part
) -> None:
    frame = size if isinstance(size, tuple) else (size, size)
    pipeline = Pipeline(frame, geometry=name, crop=crop)
    assert part_of(*shape, pipeline) == want
    assert target_size(*shape, pipeline) == frame
    picture = pattern(*shape)
    top, left, height, width = want
    cut = np.ascontiguousarray(picture[top : top + height, left : left + width])
    straight = Pipeline(frame, geometry="squash")
    assert np.array_equal(resized(picture, pipeline), resized(cut, straight))


@QUICK
@given(SIDES, SIDES, st.tuples(FRAMES, FRAMES), FRACTIONS)
def test_central_crop_keeps_at_least_the_fraction(
    height: int, width: int, size: tuple[int, int], fraction: float
) -> None:
    pipeline = Pipeline(size, geometry="central_crop", crop=fraction)
    top, left, rows, columns = part_of(height, width, pipeline)
    for begin, kept, side in ((top, rows, height), (left, columns, width)):
        assert side - 2 * begin == kept
        assert fraction * side - 1e-9 <= kept < fraction * side + 2


@QUICK
@given(SIDES, SIDES, st.tuples(FRAMES, FRAMES), FRACTIONS)
def test_border_has_the_sizes_of_timm(
    height: int, width: int, size: tuple[int, int], fraction: float
) -> None:
    scaled = [int(np.floor(side / fraction)) for side in size]
    rule = ResizeKeepRatio(scaled, longest=1.0)
    want = rule.get_params(PillowImage.new("1", (width, height)), scaled, 1.0)
    ours = target_size(height, width, Pipeline(size, geometry="border", crop=fraction))
    assert ours == tuple(max(1, side) for side in want)


@pytest.mark.parametrize("shape", [(90, 121), (33, 300), (7, 5), (250, 31)])
@pytest.mark.parametrize("fraction", [0.8, 1.0])
def test_border_is_timms_mode_of_that_name(shape: tuple[int, int], fraction: float) -> None:
    image, size, fill = pattern(*shape), (64, 48), (124, 116, 104)
    scaled = [int(side / fraction) for side in size]
    want = oracle(image, ResizeKeepRatio(scaled, longest=1.0, interpolation="bicubic"))
    want = oracle(want, CenterCropOrPad(size, fill=fill))
    pipeline = Pipeline(size, resize="pillow-bicubic", geometry="border", crop=fraction, fill=fill)
    assert np.array_equal(framed(resized(image, pipeline), pipeline), want)


@QUICK
@given(SIDES, SIDES, st.tuples(FRAMES, FRAMES))
def test_pad_and_letterbox_show_all_and_touch_two_edges(
    height: int, width: int, size: tuple[int, int]
) -> None:
    for name in ("pad", "letterbox"):
        rows, columns = target_size(height, width, Pipeline(size, geometry=name))
        assert rows <= size[0]
        assert columns <= size[1]
        assert rows == size[0] or columns == size[1]
        assume(min(rows, columns) > 1)
        assert abs(rows / height * width - columns) <= 0.5 * (1 + width / height)


def letterboxed(image: Image, size: tuple[int, int], fill: int) -> Image:
    """The rule as the YOLO family's documentation gives it, with borders as OpenCV draws them."""
    import cv2

    ratio = min(size[0] / image.shape[0], size[1] / image.shape[1])
    height, width = max(1, round(image.shape[0] * ratio)), max(1, round(image.shape[1] * ratio))
    half_rows, half_columns = (size[0] - height) / 2, (size[1] - width) / 2
    small = cv2.resize(image, (width, height), interpolation=cv2.INTER_NEAREST)
    top, bottom = (round(half_rows + d) for d in (-0.1, 0.1))
    left, right = (round(half_columns + d) for d in (-0.1, 0.1))
    result: Image = cv2.copyMakeBorder(
        small, top, bottom, left, right, cv2.BORDER_CONSTANT, value=[fill] * 3
    )
    return result


@pytest.mark.parametrize(("name", "fill"), [("letterbox", 114), ("pad", 0)])
def test_pad_and_letterbox_place_the_picture_as_yolo_does(name: str, fill: int) -> None:
    draws = np.random.default_rng(13)
    for _ in range(40):
        height, width, rows, columns = (int(n) for n in draws.integers(2, 120, size=4))
        image = pattern(height, width)
        pipeline = Pipeline((rows, columns), geometry=name, resize="opencv-nearest")
        ours = framed(resized(image, pipeline), pipeline)
        assert np.array_equal(ours, letterboxed(image, (rows, columns), fill)), image.shape


def test_fill_may_be_a_colour_of_ones_own() -> None:
    image = np.full((10, 20, 3), 7, np.uint8)
    pipeline = Pipeline((20, 20), geometry="letterbox", fill=(1, 2, 3))
    ours = framed(resized(image, pipeline), pipeline)
    assert ours[0, 0].tolist() == ours[19, 19].tolist() == [1, 2, 3]
    assert ours[10, 10].tolist() == [7, 7, 7]
    for wrong in ((1, 2), (1, 2, 256)):
        with pytest.raises(UsageError, match="fill is an RGB colour"):
            validate(Pipeline((20, 20), fill=wrong))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ALL)
@QUICK
@given(SIDES, SIDES, st.tuples(FRAMES, FRAMES), FRACTIONS)
def test_the_frame_always_has_its_size(
    name: str, height: int, width: int, size: tuple[int, int], fraction: float
) -> None:
    pipeline = Pipeline(size, geometry=name, crop=fraction, resize="opencv-nearest")
    assume(max(height, width) < 200 * min(height, width))  # a thread of a picture is refused
    rows, columns = target_size(height, width, pipeline)
    top, left, kept_rows, kept_columns = part_of(height, width, pipeline)
    assert 0 <= top <= top + kept_rows <= height
    assert 0 <= left <= left + kept_columns <= width
    assert kept_rows > 0 < kept_columns
    assert rows > 0 < columns
    if rows * columns < 250_000:
        image = np.zeros((height, width, 3), np.uint8)
        assert framed(resized(image, pipeline), pipeline).shape == (*size, 3)


@pytest.mark.parametrize("name", sorted(set(ALL) - {"inner", "central_square"}))
def test_a_picture_of_the_frame_size_is_untouched_where_all_of_it_is_kept(name: str) -> None:
    image = pattern(40, 40)
    pipeline = Pipeline((40, 40), geometry=name, crop=1.0, resize="pillow-lanczos")
    assert resized(image, pipeline) is image
    assert np.array_equal(framed(image, pipeline), image)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (2, 3)])
def test_tiny_and_thin_pictures_have_a_frame(name: str, shape: tuple[int, int]) -> None:
    pipeline = Pipeline((24, 16), geometry=name)
    image = np.full((*shape, 3), 9, np.uint8)
    seen = framed(resized(image, pipeline), pipeline)
    assert seen.shape == (24, 16, 3)
    assert (seen == 9).any()


def test_the_bound_on_pixels_holds_for_every_geometry_that_keeps_the_aspect() -> None:
    for name in ("crop", "floor_crop", "rounded_crop"):
        with pytest.raises(SampleError, match="above the bound"):
            target_size(1, 65_535, Pipeline((224, 224), geometry=name))
    for name in set(ALL) - {"crop", "floor_crop", "rounded_crop"}:
        rows, columns = target_size(1, 65_535, Pipeline((224, 224), geometry=name))
        assert rows * columns <= 256 * 256


@pytest.mark.parametrize("name", ALL)
def test_crops_says_whether_the_fraction_plays_a_part(name: str) -> None:
    def seen(fraction: float) -> tuple[Part, tuple[int, int]]:
        pipeline = Pipeline((64, 64), geometry=name, crop=fraction)
        return part_of(300, 200, pipeline), target_size(300, 200, pipeline)

    assert (seen(0.5) != seen(1.0)) is GEOMETRIES.get(name).crops
