"""What ramps tell: scale, offset and bars, within a fraction of a pixel; and what they refuse."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from roadworthy.preflight.measure import Shown, shown_of
from roadworthy.preflight.probes.pictures import grid

FILTERS = (Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS)


@given(
    height=st.integers(90, 400),
    width=st.integers(90, 400),
    target=st.integers(48, 300),
    margin=st.tuples(st.floats(0, 0.3), st.floats(0, 0.3)),
    kernel=st.sampled_from(FILTERS),
)
@settings(max_examples=40, deadline=None)
def test_scale_and_offset_come_out_whatever_the_crop(
    height: int, width: int, target: int, margin: tuple[float, float], kernel: Image.Resampling
) -> None:
    picture = Image.fromarray(grid(height, width)).resize((target, target), kernel)
    left, top = (int(m * target) for m in margin)
    frame = np.asarray(picture.crop((left, top, target, target)), np.float64)
    shown = shown_of(frame, height, width)
    assert isinstance(shown, Shown)
    for axis, length, begin in ((shown.rows, height, top), (shown.columns, width, left)):
        # Levels are whole: at nearly 1:1 a shift below half a level does not show at all.
        near = (1.0 if abs(target / length - 1) < 0.05 else 0.6) * max(1.0, target / length)
        assert abs(length / axis.step - target) < near
        assert abs(axis.begin / axis.step - begin) < near
    assert shown.fill is None


def small(width: int, height: int) -> Any:
    """Return the grid of 200 x 300 in another size."""
    picture: Any = grid(200, 300)
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)


@pytest.mark.parametrize("fill", [0, 114, 255])
def test_bars_are_found_with_their_colour(fill: int) -> None:
    frame = np.full((96, 128, 3), fill, np.uint8)
    frame[11:80, 20:119] = small(99, 69)
    shown = shown_of(frame.astype(np.float64), 200, 300)
    assert isinstance(shown, Shown)
    assert (shown.rows.start, shown.rows.stop) == (11, 80)
    assert (shown.columns.start, shown.columns.stop) == (20, 119)
    assert shown.fill is not None
    assert set(shown.fill) == {fill}
    assert abs(shown.rows.begin / shown.rows.step + 11) < 0.2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda f: f[:, ::-1], "left and right are exchanged"),
        (lambda f: f[::-1], "top and bottom are exchanged"),
        (lambda f: f.transpose(1, 0, 2), "rows and columns are exchanged"),
        (lambda f: f * 0 + 7, "do not come out"),
        (lambda f: f + np.nan, "not finite"),
        (lambda f: (f / 255) ** 3 * 255, "uneven"),
    ],
)
def test_what_is_no_scaling_is_said(change: Any, said: str) -> None:
    frame = small(96, 96).astype(np.float64)
    found: Any = shown_of(change(frame), 200, 300)
    assert isinstance(found, str)
    assert said in found
