"""Sizes, offsets and pixels of the geometry, against torchvision and timm on PIL images."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image as PillowImage
from timm.data.transforms import ResizeKeepRatio
from torchvision.transforms import CenterCrop, Compose, InterpolationMode, Resize

from roadworthy.errors import SampleError, UsageError
from roadworthy.pipeline.base import Pipeline, framed, resized, validate
from roadworthy.pipeline.probe import pattern
from roadworthy.pipeline.stages import resizer_names
from roadworthy.pipeline.steps import target_size
from roadworthy.types import Image

FILTERS = ["nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"]


def frame(image: Image, pipeline: Pipeline) -> Image:
    return framed(resized(image, pipeline), pipeline)


def reference(image: Image, *transforms: object) -> Image:
    result: Image = np.asarray(Compose(transforms)(PillowImage.fromarray(image)))
    return result


@pytest.mark.parametrize("kernel", FILTERS)
def test_crop_equals_torchvision_bit_for_bit(kernel: str) -> None:
    draws = np.random.default_rng(7)
    for _ in range(12):
        height, width, side = (int(n) for n in draws.integers(1, 150, size=3))
        short = int(draws.integers(1, 90))
        image = pattern(height, width)
        ours = frame(image, Pipeline((side, side), resize=f"pillow-{kernel}", resize_to=short))
        resize = Resize(short, InterpolationMode(kernel))
        assert np.array_equal(ours, reference(image, resize, CenterCrop(side)))


def test_sizes_equal_torchvision_over_many() -> None:
    draws = np.random.default_rng(8)
    for _ in range(150):
        height, width = (int(n) for n in draws.integers(1, 700, size=2))
        short = int(draws.integers(1, 400))
        blank = np.zeros((height, width, 3), np.uint8)
        want = reference(blank, Resize(short, InterpolationMode.NEAREST)).shape[:2]
        assert target_size(height, width, Pipeline((8, 8), resize_to=short)) == want


@pytest.mark.parametrize(
    ("size", "crop", "short"), [(224, 0.875, 256), (240, 0.875, 274), (299, 0.9, 332)]
)
def test_crop_fraction_floors_as_timm(size: int, crop: float, short: int) -> None:
    assert target_size(600, 500, Pipeline((size, size), crop=crop))[1] == short
    assert target_size(500, 600, Pipeline((size, size), crop=crop))[0] == short


def test_the_long_side_is_truncated() -> None:
    assert target_size(375, 500, Pipeline((224, 224))) == (256, 341)


def test_explicit_side_wins_over_the_fraction() -> None:
    assert target_size(300, 200, Pipeline((32, 32), crop=0.5, resize_to=40)) == (60, 40)


@pytest.mark.parametrize("size", [(64, 48), (40, 96)])
def test_oblong_frames_equal_timm(size: tuple[int, int]) -> None:
    for shape in [(90, 121), (121, 90), (33, 300), (64, 48)]:
        image = pattern(*shape)
        scaled = [int(side / 0.9) for side in size]
        want = reference(image, ResizeKeepRatio(scaled, interpolation="bicubic"), CenterCrop(size))
        ours = frame(image, Pipeline(size, resize="pillow-bicubic", crop=0.9))
        assert np.array_equal(ours, want)


def test_squash_gives_up_the_aspect_and_may_crop() -> None:
    image = pattern(70, 111)
    straight = frame(image, Pipeline((48, 40), geometry="squash"))
    assert np.array_equal(straight, reference(image, Resize((48, 40))))
    cropped = frame(image, Pipeline((48, 48), geometry="squash", resize_to=61))
    assert np.array_equal(cropped, reference(image, Resize((61, 61)), CenterCrop(48)))


@pytest.mark.parametrize("have", [4, 5, 6, 7, 12, 13, 14, 15])
def test_crop_offset_is_rounded_half_to_even(have: int) -> None:
    rows = np.arange(have, dtype=np.uint8)[:, None, None]
    image = np.ascontiguousarray(np.broadcast_to(rows, (have, 9, 3)))
    ours = framed(image, Pipeline((3, 9)))
    assert ours[0, 0, 0] == round((have - 3) / 2)
    assert np.array_equal(ours, reference(image, CenterCrop((3, 9))))


@pytest.mark.parametrize("shape", [(5, 9), (8, 3), (1, 1), (6, 20)])
def test_smaller_pictures_are_padded_with_black(shape: tuple[int, int]) -> None:
    image = np.full((*shape, 3), 200, np.uint8)
    assert np.array_equal(framed(image, Pipeline((8, 9))), reference(image, CenterCrop((8, 9))))


def test_a_picture_of_the_frame_size_is_untouched() -> None:
    image = pattern(32, 32)
    for name in resizer_names():
        pipeline = Pipeline((32, 32), resize=name, crop=1.0)
        assert resized(image, pipeline) is image
        assert np.array_equal(frame(image, pipeline), image)


def test_without_a_size_nothing_is_resized() -> None:
    image = pattern(33, 21)
    assert np.array_equal(frame(image, Pipeline(None)), image)


def test_the_frame_is_a_fresh_writable_array() -> None:
    image = pattern(33, 21)
    result = framed(image, Pipeline(None))
    assert result.flags.writeable
    assert result.flags.c_contiguous
    assert not np.shares_memory(result, image)


def test_a_thread_of_a_picture_is_refused_before_it_explodes() -> None:
    with pytest.raises(SampleError, match=r"65535 x 1 pixels would be resized to 16 776 960 x 256"):
        target_size(1, 65_535, Pipeline((224, 224)))
    with pytest.raises(SampleError, match="ROADWORTHY_MAX_PIXELS"):
        resized(np.zeros((65_535, 1, 3), np.uint8), Pipeline((224, 224)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"decoder": "pilow"}, "no decoder is called 'pilow'; did you mean 'pillow'?"),
        ({"resize": "opencv-lineer"}, "'opencv-lineer'; did you mean 'opencv-linear'?"),
        ({"resize": "bilinear"}, "no resizer is called 'bilinear'"),
        ({"geometry": "squsah"}, "did you mean 'squash'?"),
        ({"orient": "exiff"}, "did you mean 'exif'?"),
        ({"profile": "icc"}, "no profile is called 'icc'"),
        ({"colour": "rgbb"}, "did you mean 'rgb'?"),
        ({"crop": 0.0}, "crop is the fraction"),
        ({"crop": float("nan")}, "crop is the fraction"),
        ({"crop": 1.01}, "not 1.01"),
        ({"resize_to": 0}, "resize_to is a whole number of pixels"),
        ({"size": (0, 3)}, "size is a whole number of pixels"),
        ({"size": (3, 99_999)}, "1 to 16384, not 99999"),
        ({"size": (1, 2, 3)}, "size is \\(height, width\\) or none"),
        ({"size": [224, 224]}, "size is \\(height, width\\) or none"),
    ],
)
def test_impossible_settings_are_named(changes: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message.replace("?", r"\?")):
        validate(replace(Pipeline((8, 8)), **changes))  # type: ignore[arg-type]


def test_text_leaves_defaults_out() -> None:
    assert str(Pipeline((224, 224))) == "pipeline(size=224)"
    assert str(Pipeline(None)) == "pipeline(size=none)"
    full = Pipeline((32, 48), "opencv", "exif", "ignore", "torch-area", "squash", 0.9, 70)
    assert str(full) == (
        "pipeline(size=(32, 48), decoder=opencv, orient=exif, resize=torch-area, "
        "geometry=squash, crop=0.9, resize_to=70)"
    )
