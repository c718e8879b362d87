"""The frames of published benchmarks, pixel by pixel against Pillow alone."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image as Pillow

from roadworthy.pipeline.base import Pipeline, run
from roadworthy.pipeline.published import published
from roadworthy.types import Image

OWN = Pipeline(size=(96, 96))


def _picture(height: int, width: int) -> tuple[Pillow.Image, bytes]:
    rng = np.random.default_rng(height * width)
    picture = Pillow.fromarray(rng.integers(0, 256, (height, width, 3), np.uint8))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return picture, buffer.getvalue()


def _imagenet(picture: Pillow.Image) -> Image:
    width, height = picture.size
    short = min(width, height)
    size = (int(256 * width / short), int(256 * height / short))
    big = np.asarray(picture.resize(size, Pillow.Resampling.BILINEAR))
    top, left = (round((side - 224) / 2) for side in big.shape[:2])
    return big[top : top + 224, left : left + 224]


@pytest.mark.parametrize(("height", "width"), [(375, 500), (500, 333), (100, 90)])
def test_the_imagenet_frame_is_256_then_224_of_the_centre(height: int, width: int) -> None:
    picture, data = _picture(height, width)
    frame = run(data, published("imagenet", OWN), name="p")
    np.testing.assert_array_equal(frame, _imagenet(picture))


@pytest.mark.parametrize(("height", "width"), [(400, 480), (301, 299)])
def test_the_inception_frame_is_seven_eighths_squashed_to_299(height: int, width: int) -> None:
    picture, data = _picture(height, width)
    rows, columns = round(0.875 * height), round(0.875 * width)
    top, left = round((height - rows) / 2), round((width - columns) / 2)
    centre = picture.crop((left, top, left + columns, top + rows))
    expected = np.asarray(centre.resize((299, 299), Pillow.Resampling.BILINEAR))
    frame = run(data, published("inception", OWN), name="p")
    np.testing.assert_array_equal(frame, expected)


@pytest.mark.parametrize(("height", "width"), [(375, 500), (500, 333), (100, 90)])
def test_the_frame_of_imagenet_s_is_squashed_to_256_and_cut_16_pixels_in(
    height: int, width: int
) -> None:
    picture, data = _picture(height, width)
    expected = np.asarray(picture.resize((256, 256), Pillow.Resampling.BILINEAR))[16:240, 16:240]
    frame = run(data, published("squash256", OWN), name="p")
    np.testing.assert_array_equal(frame, expected)


def test_the_tiny_frame_gives_up_the_aspect_and_untouched_changes_nothing() -> None:
    picture, data = _picture(130, 70)
    tiny = np.asarray(picture.resize((64, 64), Pillow.Resampling.BILINEAR))
    np.testing.assert_array_equal(run(data, published("tiny", OWN), name="p"), tiny)
    untouched = run(data, published("untouched", OWN), name="p")
    np.testing.assert_array_equal(untouched, np.asarray(picture))


def test_own_is_the_models_own() -> None:
    assert published("own", OWN) is OWN
