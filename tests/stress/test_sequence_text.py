"""Sequences against the specification, transcribed literally: every frame, several pictures."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import plain_sequences
import pytest
from golden_chart import chart

from roadworthy.stress import STRESSES
from roadworthy.stress.draws import ReferenceDraws
from roadworthy.types import Image

EXACT = ("rotate", "shear", "scale", "tilt", "translate", "zoom_blur_sequence")
NEAR = ("gaussian_blur_sequence", "motion_blur_sequence", "brightness_sequence")
DRAWN = ("snow_sequence", "spatter_sequence")


def _picture(kind: str, height: int, width: int) -> Image:
    if kind == "noise":
        return np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return np.ascontiguousarray(chart(max(height, width))[:height, :width])


def _frames(name: str, image: Image, *, table: int = 224) -> Iterator[Image]:
    definition = STRESSES.get(name)
    assert definition.tables is not None
    arguments = dict(definition.tables.on((table, table), {"difficulty": 1}).arguments)
    if definition.takes_draws:
        arguments["rng"] = ReferenceDraws(np.random.RandomState(3))
    frames: Iterator[Image] = definition.function(image, **arguments)
    return frames


def _plain(name: str, image: Image, index: int) -> Image:
    known: Any = {
        **plain_sequences.DETERMINISTIC,
        "snow_sequence": plain_sequences.plain_snow,
        "spatter_sequence": plain_sequences.plain_spatter,
    }
    draws = (np.random.RandomState(3),) if name in DRAWN else ()
    return np.asarray(known[name](image, index, *draws), np.uint8)


def _compared(name: str, image: Image, chosen: set[int]) -> list[tuple[int, int, float]]:
    found = []
    for index, frame in enumerate(_frames(name, image)):
        if index in chosen:
            off = np.abs(frame.astype(int) - _plain(name, image, index))
            found.append((index, int(off.max()), float((off > 0).mean())))
    return found


@pytest.mark.parametrize("kind", ["noise", "chart"])
@pytest.mark.parametrize("name", EXACT)
def test_geometry_equals_the_text_to_the_bit(name: str, kind: str) -> None:
    every = set(range(41))
    assert [w for _, w, _ in _compared(name, _picture(kind, 40, 48), every)] == [0] * (
        41 if name == "translate" else 31
    )
    assert [w for _, w, _ in _compared(name, _picture(kind, 256, 300), {3})] == [0]


@pytest.mark.parametrize("kind", ["noise", "chart"])
@pytest.mark.parametrize("name", [*NEAR, *DRAWN])
def test_filters_and_weather_equal_the_text_to_one_level(name: str, kind: str) -> None:
    small = _compared(name, _picture(kind, 40, 48), set(range(31)))
    large = _compared(name, _picture(kind, 256, 300), {20})
    assert len(small) == 31
    for index, worst, share in (*small, *large):
        assert worst <= 1, index
        # No change of brightness ends at whole levels, and there the last bit decides: the middle
        # frame. On ramps a blur, too, leaves almost whole levels, closer than float32 can tell.
        middle = name == "brightness_sequence" and index == 15
        ramps = name == "gaussian_blur_sequence" and kind == "chart"
        assert share <= (0.15 if middle else 0.03 if ramps else 3e-3), index


@pytest.mark.parametrize("name", [*EXACT, *NEAR, *DRAWN])
def test_consecutive_frames_differ(name: str) -> None:
    frames = list(_frames(name, _picture("noise", 60, 80)))
    equal = [i for i, (a, b) in enumerate(pairwise(frames)) if np.array_equal(a, b)]
    # At -92 and -88 degrees the smear leaves the vertical only where hardly any of it is left.
    assert equal == ([7] if name == "motion_blur_sequence" else [])


def test_the_middle_frame_of_a_turn_and_a_shear_is_the_picture() -> None:
    image = _picture("noise", 40, 48)
    for name in ("rotate", "shear"):
        for index, frame in enumerate(_frames(name, image)):
            assert np.array_equal(frame, image) == (index == 15), (name, index)


def test_the_middle_frame_of_a_tilt_is_smaller_by_one_pixel_of_depth() -> None:
    # The published matrices put the picture at depth 1 and then move it by its diagonal.
    image = np.full((30, 40, 3), 200, np.uint8)
    middle = list(_frames("tilt", image))[15]
    kept = 50 / 51
    expected = 200 * (30 * kept) * (40 * kept)
    assert middle[..., 0].sum() == pytest.approx(expected, rel=3e-3)
    assert middle[..., 0].sum() < 0.98 * 200 * 30 * 40


def test_the_first_frame_of_zoom_blur_is_the_picture() -> None:
    image = _picture("noise", 40, 48)
    assert np.array_equal(next(_frames("zoom_blur_sequence", image)), image)


@pytest.mark.parametrize(
    ("name", "table", "expected"),
    [
        ("translate", 224, {"frames": 41}),
        ("translate", 64, {"frames": 31}),
        ("translate", 32, {"frames": 16}),
        ("scale", 32, {"frames": 31, "start": 0.7, "step": 0.02}),
        ("tilt", 32, {"frames": 31, "step": 0.75}),
        ("brightness_sequence", 64, {"frames": 31, "step": 0.02}),
        ("brightness_sequence", 32, {"frames": 31, "step": 0.015}),
        ("gaussian_blur_sequence", 299, {"start": 0.35, "step": 0.035, "truncate": 6.0}),
        ("gaussian_blur_sequence", 64, {"start": 0.35, "step": 0.014, "truncate": 7.0}),
        ("gaussian_blur_sequence", 32, {"start": 0.3, "step": 0.015, "truncate": 7.0}),
        ("motion_blur_sequence", 299, {"radius": 13, "sigma": 3.0, "start": -120.0, "step": 4.0}),
        ("motion_blur_sequence", 64, {"radius": 14, "sigma": 3.0, "start": -150.0, "step": 5.0}),
        ("motion_blur_sequence", 32, {"frames": 21, "radius": 6, "sigma": 1.8, "step": 9.0}),
        ("snow_sequence", 64, {"mean": 0.05, "spread": 0.28, "zoom": 2.0, "radius": 10}),
        ("snow_sequence", 32, {"mean": 0.05, "spread": 0.3, "zoom": 2.0, "sigma": 2.0}),
        ("spatter_sequence", 299, {"mean": 0.65, "spread": 0.3, "sigma": 4.0, "reach": 4}),
        ("spatter_sequence", 64, {"mean": 0.6, "spread": 0.25, "sigma": 1.75, "threshold": 0.7}),
        ("spatter_sequence", 32, {"spread": 0.265, "sigma": 1.75, "reach": 2, "threshold": 0.7}),
    ],
)
def test_the_table_of_the_frame_gives_the_published_values(
    name: str, table: int, expected: dict[str, Any]
) -> None:
    tables = STRESSES.get(name).tables
    assert tables is not None
    frames = tables.on((table, table), {"difficulty": 2})
    assert {k: frames.arguments[k] for k in expected} == expected
    assert frames.stride == 2


def test_the_last_direction_of_motion_blur_is_level() -> None:
    # One bright pixel leaves its trail to the left, as the taps look to the right.
    image = np.zeros((21, 41, 3), np.uint8)
    image[10, 30] = 255
    for table, count in ((224, 31), (64, 31), (32, 21)):
        frames = list(_frames("motion_blur_sequence", image, table=table))
        assert len(frames) == count
        rows, columns = np.nonzero(frames[-1][..., 0])
        assert set(rows.tolist()) == {10}
        assert columns.max() == 30
        assert columns.min() < 27
