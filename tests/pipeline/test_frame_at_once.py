"""A frame that is made at once is the one cropped out of the whole resized picture, bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as PillowImage

from roadworthy.pipeline.base import Pipeline, frame_of, framed, resized
from roadworthy.pipeline.resizers import pillow as module
from roadworthy.pipeline.stages import GEOMETRIES, RESIZERS, resizer_names
from roadworthy.types import Image

FILTERS = [name for name in resizer_names() if name.startswith("pillow-")]


def picture(height: int, width: int, seed: int) -> Image:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


@settings(max_examples=150, deadline=None)
@given(
    st.integers(5, 150),
    st.integers(5, 150),
    st.tuples(st.integers(4, 60), st.integers(4, 60)),
    st.sampled_from(FILTERS),
    st.sampled_from(sorted(GEOMETRIES)),
    st.sampled_from([0.3, 0.7, 0.875, 1.0]),
)
def test_a_frame_at_once_is_the_crop_of_the_whole(
    height: int, width: int, size: tuple[int, int], resize: str, geometry: str, crop: float
) -> None:
    pipeline = Pipeline(size, resize=resize, geometry=geometry, crop=crop)
    image = picture(height, width, seed=height)
    assert np.array_equal(frame_of(image, pipeline), framed(resized(image, pipeline), pipeline))


@pytest.mark.parametrize("resize", FILTERS)
@pytest.mark.parametrize("shape", [(375, 500), (500, 375), (256, 700), (120, 90), (900, 300)])
def test_photographs_keep_every_pixel(resize: str, shape: tuple[int, int]) -> None:
    pipeline = Pipeline((224, 224), resize=resize)
    image = picture(*shape, seed=1)
    assert np.array_equal(frame_of(image, pipeline), framed(resized(image, pipeline), pipeline))


def test_pillow_is_given_fewer_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[int] = []
    resize = PillowImage.Image.resize

    def watched(self: Any, size: tuple[int, int], *more: Any, **settings: Any) -> Any:
        written.append(size[0] * size[1])
        return resize(self, size, *more, **settings)

    module._known()
    monkeypatch.setattr(PillowImage.Image, "resize", watched)
    pipeline, image = Pipeline((224, 224)), picture(375, 500, seed=2)
    frame_of(image, pipeline)
    assert sum(written) < 341 * 375 + 224 * 256
    assert RESIZERS.get("pillow").part is not None


def test_a_release_with_other_passes_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    resize = PillowImage.Image.resize

    def other(self: Any, size: tuple[int, int], *more: Any, **settings: Any) -> Any:
        tall = resize(self, (self.width, size[1]), *more, **settings)
        return resize(tall, size, *more, **settings)

    assert module._known.__wrapped__()
    monkeypatch.setattr(PillowImage.Image, "resize", other)
    assert not module._known.__wrapped__()
    monkeypatch.setattr(module, "_known", lambda: False)
    pipeline, image = Pipeline((60, 60)), picture(90, 120, seed=3)
    assert np.array_equal(frame_of(image, pipeline), framed(resized(image, pipeline), pipeline))
