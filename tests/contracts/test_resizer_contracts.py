"""What every registered resizer and geometry keeps to; a new one is tested the day it appears."""

from __future__ import annotations

import re

import numpy as np
import pytest

from roadworthy.errors import MissingPackageError
from roadworthy.pipeline.backend import require
from roadworthy.pipeline.base import Pipeline, framed, probe_hash, resized
from roadworthy.pipeline.probe import pattern
from roadworthy.pipeline.stages import GEOMETRIES, RESIZERS, find_resizer, resizer_names
from roadworthy.pipeline.steps import frame_of
from roadworthy.spec import parse


@pytest.fixture(params=resizer_names())
def name(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    try:
        require(find_resizer(found)[0])
    except MissingPackageError as error:
        pytest.skip(str(error))
    return found


def test_the_name_can_be_written_in_a_spec(name: str) -> None:
    spec = parse(f"resizer(resize={name})")
    assert dict(spec.params)["resize"] == name
    assert re.fullmatch(r"[a-z0-9-]+", name)


@pytest.mark.parametrize("family", sorted(RESIZERS))
def test_families_are_documented_and_say_what_they_need(family: str) -> None:
    stage = RESIZERS.get(family)
    assert len(stage.doc) > 40
    assert RESIZERS.summary(family)
    assert bool(stage.needs) == bool(stage.needs and stage.extra)
    assert len(set(stage.filters)) == len(stage.filters)


def test_the_same_picture_gives_the_same_frame_however_it_is_made(name: str) -> None:
    image = pattern(97, 131)
    pipeline = Pipeline((56, 48), resize=name, resize_to=64)
    first = framed(resized(image, pipeline), pipeline)
    assert first.shape == (56, 48, 3)
    assert first.flags.writeable
    assert np.array_equal(first, framed(resized(image.copy(), pipeline), pipeline))
    assert np.array_equal(first, frame_of(image, pipeline))


def test_a_picture_turned_is_resized_like_the_picture(name: str) -> None:
    """Rows and columns are treated alike, but for rounding between passes."""
    if name == "swscale-fast-bilinear":
        pytest.skip("its fast path is for rows alone")
    family, kernel = find_resizer(name)
    image = pattern(40, 60) // 2 + np.uint8(64)  # no filter overshoots
    turned = np.ascontiguousarray(image.transpose(1, 0, 2))
    one = family.function(image, (27, 44), kernel).astype(int)
    other = family.function(turned, (44, 27), kernel).transpose(1, 0, 2)
    off = np.abs(one - other)
    assert off.mean() < 0.5


@pytest.mark.parametrize("geometry", sorted(GEOMETRIES))
def test_geometries_are_documented_and_have_keys_of_their_own(geometry: str) -> None:
    stage = GEOMETRIES.get(geometry)
    assert len(stage.doc) > 40
    assert GEOMETRIES.summary(geometry)
    spec = parse(f"geometry(geometry={geometry})")
    assert dict(spec.params)["geometry"] == geometry
    own = probe_hash(Pipeline((32, 32), geometry=geometry))
    others = [probe_hash(Pipeline((32, 32), geometry=g)) for g in GEOMETRIES if g != geometry]
    assert own not in others
