"""The map from pixels to numbers: found to the digit where there is one, refused where there is none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadworthy.preflight.probes.base import COLOURS
from roadworthy.preflight.scale import Scale, scale_of
from roadworthy.preflight.statistics import words_for

FLATS = np.array(COLOURS, np.float64)
STATS = st.tuples(*(st.floats(-0.5, 1.5),) * 3)
SPREADS = st.tuples(*(st.floats(0.05, 2.0),) * 3)


@given(mean=STATS, std=SPREADS, bgr=st.booleans(), dtype=st.sampled_from(["float32", "float16"]))
@settings(max_examples=60, deadline=None)
def test_mean_and_deviation_come_out(
    mean: tuple[float, ...], std: tuple[float, ...], bgr: bool, dtype: str
) -> None:
    colours = FLATS[:, ::-1] if bgr else FLATS
    numbers = ((colours / 255 - mean) / std).astype(dtype).astype(np.float64)
    found = scale_of(FLATS, numbers, dtype=dtype)
    assert isinstance(found, Scale)
    assert found.colour == ("bgr" if bgr else "rgb")
    slack = 1e-5 if dtype == "float32" else 0.02
    assert np.abs(np.subtract(found.mean, mean)).max() < slack
    assert np.abs(np.divide(found.std, std) - 1).max() < slack
    back = found.pixels(numbers)
    assert np.abs(back - colours).max() <= 1e-2 + 2 * found.noise


@pytest.mark.parametrize(
    ("name", "mean", "std"),
    [
        ("imagenet", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        ("half", (0.5,) * 3, (0.5,) * 3),
        ("none", (0.0,) * 3, (1.0,) * 3),
        ("bytes", (0.0,) * 3, (1 / 255,) * 3),
        ("clip", (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)),
    ],
)
def test_usual_ones_have_names(name: str, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
    numbers = ((FLATS / 255 - mean) / std).astype(np.float32).astype(np.float64)
    found = scale_of(FLATS, numbers, dtype="float32")
    assert isinstance(found, Scale)
    assert words_for(found)[0] == name


def test_one_that_is_nearly_usual_has_numbers() -> None:
    numbers = (FLATS / 255 - (0.485, 0.456, 0.407)) / (0.229, 0.224, 0.225)
    found = scale_of(FLATS, numbers, dtype="float32")
    assert isinstance(found, Scale)
    assert words_for(found)[0] == "mean=(0.485, 0.456, 0.407), std=(0.229, 0.224, 0.225)"


def test_bytes_lose_nothing_and_other_whole_numbers_half_a_step() -> None:
    plain = scale_of(FLATS, FLATS, dtype="uint8")
    coarse = scale_of(FLATS, np.rint(FLATS / 4), dtype="int8")
    assert isinstance(plain, Scale)
    assert plain.noise == 0.0
    assert isinstance(coarse, Scale)
    assert 1.5 < coarse.noise < 3


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda v: 255 * (v / 255) ** 0.9, "follows a curve"),
        (lambda v: v // 8 * 8, "follows a curve"),
        (lambda v: np.minimum(v * 1.2, 255), "follows a curve"),
        (lambda v: v @ np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8]]), "mixed"),
        (lambda v: v[:, [1, 2, 0]], "order gbr"),
        (lambda v: 255 - v, "inverted"),
        (lambda v: v - v.mean(axis=1, keepdims=True), "standardised"),
        (lambda v: v * np.nan, "not finite"),
        (lambda v: v * 0, "standardised"),
    ],
)
def test_what_is_no_affine_map_is_said(change: object, said: str) -> None:
    found = scale_of(FLATS, change(FLATS), dtype="float32")  # type: ignore[operator]
    assert isinstance(found, str)
    assert said in found


def test_grey_is_told_as_pillow_rounds_it_and_as_others_do() -> None:
    luma = FLATS @ (0.299, 0.587, 0.114)
    for numbers in (np.rint(luma), luma):
        found = scale_of(FLATS, np.repeat(numbers[:, None], 3, axis=1), dtype="float32")
        assert isinstance(found, Scale)
        assert found.colour == "grey"
    other = FLATS @ (0.2126, 0.7152, 0.0722)
    assert isinstance(scale_of(FLATS, np.repeat(other[:, None], 3, 1), dtype="float32"), str)
