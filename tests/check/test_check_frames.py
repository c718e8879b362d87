"""How images become frames."""

from __future__ import annotations

import pytest
from check_world import (
    DATA,
    LABELS,
    Palette,
    examined,
    found,
    picture_of,
    wrapped,
)

from roadworthy.data.base import Images
from roadworthy.models.wrap import wrap
from roadworthy.pipeline.base import Pipeline
from roadworthy.types import Classes, Sample


def test_images_of_all_sizes_need_a_frame() -> None:
    files = [picture_of(c, i, side=8 if i % 3 else 12) for i, c in enumerate(LABELS)]
    samples = [Sample(f"i{i:03}", c, "", i) for i, c in enumerate(LABELS)]
    data = Images("colours", Classes(10), samples, lambda s: files[s.location])
    finding = found(examined(wrap(Palette()), data), "pipeline")
    assert finding.verdict == "warning"
    left = {8: 20, 12: 40}
    assert any(f"{n} of 60 images are not {s}x{s}" in finding.sentence for s, n in left.items())
    assert found(examined(wrap(Palette()), DATA), "pipeline").verdict == "ok"
    assert found(examined(wrapped(), data), "pipeline").verdict == "ok"


@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        (
            Pipeline((224, 224), resize="pillow-bicubic"),
            "shorter side to 256 (pillow-bicubic), centre 224x224",
        ),
        (Pipeline((64, 32), geometry="squash"), "squashed to 32x64 (pillow-bilinear)"),
        (
            Pipeline((64, 64), geometry="floor_crop", crop=1.0),
            "shorter side to 64 (pillow-bilinear), centre 64x64",
        ),
        (Pipeline((64, 32), geometry="letterbox"), "letterbox to 32x64 (pillow-bilinear)"),
        (
            Pipeline((64, 64), geometry="squash", resize_to=70),
            "squashed to 70x70 (pillow-bilinear), centre 64x64",
        ),
        (Pipeline(None, orient="exif"), "turned by EXIF, each image in its own size"),
        (
            Pipeline(None, profile="srgb", yuv="nv12-bt601-full", light="linear", colour="bgr"),
            "colour profile srgb, through nv12-bt601-full, resized in linear light, each image in its "
            "own size, colour bgr",
        ),
    ],
)
def test_a_pipeline_in_words(recipe: Pipeline, words: str) -> None:
    from roadworthy.models.check.images import in_words

    assert in_words(recipe).endswith(words)
