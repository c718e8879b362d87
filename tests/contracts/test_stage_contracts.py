"""What the stages about colour and containers keep to; a new one is tested the day it appears."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from roadworthy.pipeline.base import Pipeline, framed, probe_hash, resized, validate
from roadworthy.pipeline.colour_stages import (
    ALPHAS,
    CMYKS,
    DEPTHS,
    LIGHTS,
    YUVS,
    find_yuv,
    yuv_names,
)
from roadworthy.pipeline.probe import pattern
from roadworthy.pipeline.stages import COLOURS, ORIENTS, PROFILES
from roadworthy.spec import parse
from roadworthy.types import Image

REGISTRIES: dict[str, Any] = {
    "orient": ORIENTS,
    "profile": PROFILES,
    "colour": COLOURS,
    "cmyk": CMYKS,
    "depth": DEPTHS,
    "alpha": ALPHAS,
    "light": LIGHTS,
}
NAMES = [(field, name) for field, registry in REGISTRIES.items() for name in registry]
NAMES += [("yuv", name) for name in yuv_names()]
IMAGE = pattern(21, 34)


def applied(field: str, name: str, image: Image) -> Image:
    """Call a stage on a picture with what else it takes."""
    if field == "yuv":
        found = find_yuv(name)
        assert found is not None
        result: Any = found.function(image)
        return np.asarray(result)
    function = REGISTRIES[field].get(name).function
    more: dict[str, tuple[Any, ...]] = {
        "orient": (image, b""),
        "profile": (image, b""),
        "colour": (image,),
        "cmyk": (np.concatenate([image, image[:, :, :1]], axis=2), b""),
        "depth": (image[:, :, 0].astype(np.uint16) * 257,),
        "alpha": (image, image[:, :, 1].copy()),
        "light": (image, image.shape[:2], lambda pixels, size: pixels),
    }
    return np.asarray(function(*more[field]))


@pytest.mark.parametrize(("field", "name"), NAMES)
def test_bytes_of_the_same_size_come_back_and_nothing_is_written_to(field: str, name: str) -> None:
    given = IMAGE.copy()
    given.flags.writeable = False
    result = applied(field, name, given)
    assert result.dtype == np.uint8
    assert result.shape == (IMAGE.shape[:2] if field == "depth" else IMAGE.shape)
    assert np.array_equal(given, IMAGE)
    assert np.array_equal(result, applied(field, name, IMAGE))


@pytest.mark.parametrize(("field", "name"), NAMES)
def test_a_pipeline_takes_it_by_name(field: str, name: str) -> None:
    assert dict(parse(f"x(y={name})").params)["y"] == name
    changes: dict[str, Any] = {field: name}
    pipeline = validate(Pipeline((16, 16), **changes))
    frame = framed(resized(IMAGE, pipeline), pipeline)
    assert frame.shape == (16, 16, 3)
    usual = Pipeline((16, 16))
    same = getattr(usual, field) == name
    assert (probe_hash(pipeline) == probe_hash(usual)) == same
    assert (str(pipeline) == str(usual)) == same


@pytest.mark.parametrize(("field", "name"), NAMES)
def test_it_is_documented(field: str, name: str) -> None:
    registry: Any = YUVS if field == "yuv" else REGISTRIES[field]
    stage = registry.get(name.partition("-")[0])
    assert len(stage.doc) > 40
    assert len(registry.summary(stage.name)) > 20
