"""Stage by stage: the first that diverges is named, and what comes before it is the same."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from roadworthy.pipeline.base import Pipeline
from roadworthy.preflight.compare import STAGES, compare
from roadworthy.preflight.difference import difference
from roadworthy.preflight.factors import Reader, factors, same_geometry, settled
from roadworthy.preflight.probes.base import probes
from roadworthy.preflight.tensors import Numbers

HALF = Numbers((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
IMAGENET = Numbers((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
USUAL = Reader(Pipeline((64, 64), resize_to=72), HALF)


def changed(**options: Any) -> Reader:
    return replace(USUAL, pipeline=replace(USUAL.pipeline, **options))


@pytest.mark.parametrize(
    ("other", "first"),
    [
        (changed(orient="exif"), "decode"),
        (changed(profile="srgb"), "decode"),
        (changed(alpha="white"), "decode"),
        (changed(depth="saturate"), "decode"),
        (changed(resize="opencv-linear"), "resize"),
        (changed(resize_to=71), "resize"),
        (changed(geometry="squash", resize_to=None), "resize"),
        (changed(geometry="floor_crop", resize_to=73), "resize"),
        (changed(colour="bgr"), "colour"),
        (replace(USUAL, numbers=IMAGENET), "normalise"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_first_that_diverges_is_named(other: Reader, first: str) -> None:
    found = compare(USUAL, other)
    assert found.first == first
    before = found.stages[: STAGES.index(first)]
    assert all(stage.same for stage in before)


def test_a_pipeline_is_like_itself() -> None:
    found = compare(USUAL, USUAL)
    assert found.first is None
    assert {s.difference.largest for s in found.stages if s.difference} == {0.0}


def test_where_sizes_differ_they_are_said() -> None:
    found = {s.name: s for s in compare(USUAL, changed(resize_to=80)).stages}
    assert found["resize"].shapes == "72x72 against 80x80"
    assert found["crop"].difference is not None


def test_files_that_one_side_cannot_read_are_left_out() -> None:
    files = {"good": probes()["jpeg_444"].data, "bad": b"\xff\xd8 nothing"}
    assert compare(USUAL, changed(colour="bgr"), files).pictures == 1


def test_numbers_are_those_of_all_values() -> None:
    before = np.zeros((2, 2, 3), np.uint8)
    after = before.copy()
    after[0, 0] = (12, 0, 0)
    found = difference([(before, after), (after, before)])
    assert (found.mean, found.signed, found.largest) == (1.0, 0.0, 12.0)
    assert difference([(before, after)]).signed == 1.0
    assert difference([(before, before)]).none


def test_what_a_network_sees_of_other_numbers_is_worked_back() -> None:
    frame = np.array([[[0, 128, 255]]], np.uint8)
    seen = HALF.levels(frame, IMAGENET)
    expected = (frame / 255 - np.array(IMAGENET.mean)) / IMAGENET.std * 0.5 + 0.5
    assert np.abs(seen - 255 * expected).max() < 1e-3
    assert (HALF.levels(frame, HALF) == frame).all()


def test_factors_are_swapped_one_at_a_time() -> None:
    other = Reader(
        Pipeline((64, 64), geometry="squash", resize="opencv-linear", colour="bgr"), IMAGENET
    )
    found = {f.name: f for f in factors(USUAL, other, open_parts=set())}
    assert set(found) == {"resize", "geometry", "colour", "normalisation"}
    assert found["colour"].reader == replace(USUAL, pipeline=replace(USUAL.pipeline, colour="bgr"))
    assert found["normalisation"].reader == replace(USUAL, numbers=IMAGENET)
    assert found["geometry"].change == "crop(resize_to=72) to 64x64 -> squash to 64x64"
    without = factors(USUAL, other, open_parts={"resize", "normalisation"})
    assert {f.name for f in without} == {"geometry", "colour"}


def test_decoders_that_agree_bit_for_bit_are_no_factor() -> None:
    assert factors(USUAL, changed(decoder="opencv"), open_parts=set()) == []
    pytest.importorskip("simplejpeg")
    found = factors(USUAL, changed(decoder="simplejpeg-ifast"), open_parts=set())
    assert [f.name for f in found] == ["decoder"]


def test_one_geometry_in_two_wordings_is_no_factor() -> None:
    by_fraction = replace(USUAL.pipeline, resize_to=None, crop=64 / 72)
    assert same_geometry(USUAL.pipeline, by_fraction)
    assert settled(USUAL.pipeline, by_fraction) == USUAL.pipeline
    assert not same_geometry(USUAL.pipeline, replace(by_fraction, geometry="rounded_crop"))
    assert not same_geometry(USUAL.pipeline, replace(by_fraction, geometry="floor_crop"))
