"""Luma and chroma against the formulas as printed, exact arithmetic and slow loops."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pipeline_files import encoded, soft

from roadworthy.errors import UsageError
from roadworthy.pipeline.base import Pipeline, decode, framed, resized, validate
from roadworthy.pipeline.colour_stages import YUVS, codings, find_yuv
from roadworthy.pipeline.yuv import BAND, MATRICES, RANGES, Coding, through
from roadworthy.types import Image

LIMITED = Coding("bt601", "limited")


def through_yuv(image: Image, name: str) -> Image:
    stage = find_yuv(name)
    assert stage is not None
    result: Image = stage.function(image)
    return result


def colours(count: int, seed: int = 0) -> Image:
    return np.random.default_rng(seed).integers(0, 256, (1, count, 3), dtype=np.uint8)


def rounded(value: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.clip(np.rint(value), 0, 255)


def printed_write(image: Image) -> tuple[NDArray[np.float64], ...]:
    """BT.601 in studio range as the paper prints it."""
    r, g, b = np.moveaxis(image.astype(np.float64), 2, 0)
    y = np.rint(0.256788 * r + 0.504129 * g + 0.097906 * b) + 16
    u = np.rint(-0.148223 * r - 0.290993 * g + 0.439216 * b) + 128
    v = np.rint(0.439216 * r - 0.367788 * g - 0.071427 * b) + 128
    return y, u, v


def test_writing_is_the_printed_formula() -> None:
    image = colours(100_000)
    luma, chroma = LIMITED.write(image)
    ours = np.stack([luma, chroma[:, :, 0], chroma[:, :, 1]])
    difference = np.abs(ours - np.stack(printed_write(image)))
    assert difference.max() <= 1  # six digits decide otherwise where a value is all but half
    assert (difference > 0).mean() < 1e-3


def test_reading_is_the_printed_formula_and_near_that_in_integers() -> None:
    y, u, v = (plane.astype(int) for plane in printed_write(colours(100_000)))
    chroma = np.stack([u, v], axis=2).astype(np.uint8)
    ours = LIMITED.read(y.astype(np.uint8), chroma).astype(int)
    c, d, e = y - 16, u - 128, v - 128
    printed = [1.164383 * c + 1.596027 * e]
    printed += [1.164383 * c - 0.391762 * d - 0.812968 * e, 1.164383 * c + 2.017232 * d]
    difference = np.abs(ours - rounded(np.stack(printed, axis=2)))
    assert difference.max() <= 1
    assert (difference > 0).mean() < 1e-3
    whole = [298 * c + 409 * e, 298 * c - 100 * d - 208 * e, 298 * c + 516 * d]
    integers = np.clip(np.stack([value + 128 >> 8 for value in whole], axis=2), 0, 255)
    assert np.abs(ours - integers).max() == 1
    assert np.abs(ours - integers).mean() < 0.08


@pytest.mark.parametrize("matrix", MATRICES)
@pytest.mark.parametrize("span", RANGES)
def test_exact_arithmetic(matrix: str, span: str) -> None:
    kr, kb = {
        "bt601": (Fraction(299, 1000), Fraction(114, 1000)),
        "bt709": (Fraction(2126, 10_000), Fraction(722, 10_000)),
    }[matrix]
    black, levels, width = (16, 219, 224) if span == "limited" else (0, 255, 255)
    image = colours(400, seed=5)
    luma, chroma = Coding(matrix, span).write(image)
    for (r, g, b), y, (u, v) in zip(image[0].tolist(), luma[0], chroma[0].tolist(), strict=True):
        light = kr * r + (1 - kr - kb) * g + kb * b
        blue = (b - light) / (2 * (1 - kb)) * width / 255
        red = (r - light) / (2 * (1 - kr)) * width / 255
        assert abs(levels * light / 255 + black - int(y)) <= Fraction(1, 2)
        assert abs(min(blue + 128, 255) - u) <= Fraction(1, 2)
        assert abs(min(red + 128, 255) - v) <= Fraction(1, 2)


@pytest.mark.parametrize("name", [f"yuv444-{coding}" for coding in codings()])
def test_a_round_trip_with_all_chroma_loses_little(name: str) -> None:
    image = colours(50_000)
    difference = np.abs(through_yuv(image, name).astype(int) - image)
    # measured on photographs: mean 0.38, max 2
    assert difference.max() <= 2
    assert 0.25 < difference.mean() < 0.55
    grey = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    assert np.abs(through_yuv(grey, name).astype(int) - grey).max() <= ("limited" in name)


def plainly(chroma: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """2 x 2 means one by one; at an odd edge the last row or column stands in for its neighbour."""
    height, width, _ = chroma.shape
    result = np.empty_like(chroma)
    for y in range(height):
        for x in range(width):
            rows = [min(2 * (y // 2) + k, height - 1) for k in (0, 1)]
            columns = [min(2 * (x // 2) + k, width - 1) for k in (0, 1)]
            for c in range(2):
                total = sum(int(chroma[j, i, c]) for j in rows for i in columns)
                result[y, x, c] = (total + 2) // 4
    return result


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_nv12_is_a_mean_of_four_repeated(height: int, width: int, seed: int) -> None:
    chroma = np.random.default_rng(seed).integers(0, 256, (height, width, 2), dtype=np.uint8)
    assert np.array_equal(YUVS.get("nv12").function(chroma), plainly(chroma))


@pytest.mark.parametrize("height", [1, BAND, BAND + 1, 2 * BAND + 7])
def test_bands_leave_no_seam(height: int) -> None:
    image = np.random.default_rng(1).integers(0, 256, (height, 21, 3), dtype=np.uint8)
    luma, chroma = LIMITED.write(image)
    want = LIMITED.read(luma, YUVS.get("nv12").function(chroma))
    assert np.array_equal(through_yuv(image, "nv12-bt601-limited"), want)


def test_what_is_read_as_something_else() -> None:
    image = np.array([[[0, 0, 0], [255, 255, 255], [128, 128, 128], [200, 40, 90]]], np.uint8)
    plain = through_yuv(image, "yuv444-bt601-limited")
    grey = through_yuv(image, "yuv444-bt601-limited-as-bt601-full")
    assert grey[0, :3, 0].tolist() == [16, 235, 126]  # black and white are no longer reached
    stretched = through_yuv(image, "yuv444-bt601-full-as-bt601-limited")
    assert stretched[0, :3, 0].tolist() == [0, 255, 130]
    other = through_yuv(image, "yuv444-bt601-limited-as-bt709-limited")
    assert np.abs(other[0, :3].astype(int) - plain[0, :3]).max() == 0  # greys have no chroma
    assert np.abs(other[0, 3].astype(int) - plain[0, 3]).max() > 10
    same = "yuv444-bt601-limited-as-bt601-limited"
    assert np.array_equal(through_yuv(image, same), plain)


def test_it_stands_between_decoding_and_resizing() -> None:
    data = encoded(soft(40, 36), "PNG")
    pipeline = Pipeline((16, 16), resize_to=20, yuv="nv12-bt709-full")
    ours = framed(resized(decode(data, pipeline, name="x"), pipeline), pipeline)
    changed = through_yuv(soft(40, 36), "nv12-bt709-full")
    plain = Pipeline((16, 16), resize_to=20)
    assert np.array_equal(ours, framed(resized(changed, plain), plain))
    assert np.array_equal(decode(data, pipeline, name="x"), soft(40, 36))
    whole = Pipeline(None, yuv="nv12-bt709-full")
    assert np.array_equal(resized(soft(40, 36), whole), changed)


@pytest.mark.parametrize(
    "wrong", ["nv12", "nv12-bt601", "nv21-bt601-full", "nv12-bt601-studio", "nv12-bt601-full-as-x"]
)
def test_unknown_names(wrong: str) -> None:
    with pytest.raises(UsageError, match=f"no yuv is called '{wrong}'.*nv12-bt601-limited"):
        validate(Pipeline(None, yuv=wrong))


def test_through_takes_any_layout() -> None:
    grey = through(colours(50), lambda chroma: np.full_like(chroma, 128), LIMITED, LIMITED)
    assert (grey == grey[:, :, :1]).all()


@pytest.mark.shared
def test_sizes_of_mismatches_on_photographs(shared: Path) -> None:
    files = sorted((shared / "data/imagenet_sample/images").iterdir())[::12]
    images = [decode(f.read_bytes(), Pipeline(None), name=f.name) for f in files]

    def mean(name: str) -> float:
        found = [np.abs(through_yuv(i, name).astype(int) - i).mean() for i in images]
        return float(np.mean(found))

    # measured with other software on other photographs: .38, 2.5, 2.0, 3.5, 8.3, 8.6
    assert 0.3 < mean("yuv444-bt601-limited") < 0.45
    assert 1 < mean("nv12-bt601-limited") < 3
    assert 1 < mean("nv12-bt601-full") < mean("nv12-bt601-limited")
    assert 2 < mean("nv12-bt601-limited-as-bt709-limited") < 4
    assert 6.5 < mean("nv12-bt601-full-as-bt601-limited") < 10
    assert 6.5 < mean("nv12-bt601-limited-as-bt601-full") < 10
