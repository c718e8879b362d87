"""Which decoders are the same, and how far the others are from each other, as measured elsewhere."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as PillowImage
from pipeline_files import jpegs

from roadworthy.errors import MissingPackageError
from roadworthy.pipeline.backend import require
from roadworthy.pipeline.base import Pipeline, decode, probe_hash
from roadworthy.pipeline.containers import jpeg
from roadworthy.pipeline.stages import decoder_names, find_decoder
from roadworthy.types import Image

TURBO = ("pillow", "opencv", "torchvision", "simplejpeg", "imagecodecs", "pyvips", "kornia-turbo")
IFAST, NO_FANCY, BOTH = (f"simplejpeg-{n}" for n in ("ifast", "no-fancy", "ifast-no-fancy"))
IJG, RUST = "jpeglib-9f", "kornia-rust"
FLOAT_6B, FLOAT_TURBO = "jpeglib-6b-float", "jpeglib-turbo-float"
SWSCALE = ("pyav", "pyav-bicubic", "pyav-point")
ACCURATE = "pyav-accurate"
SUBSAMPLED = ("420", "422")
Differences = NDArray[np.int16]


@pytest.fixture(autouse=True, scope="module")
def all_packages() -> None:
    for name in decoder_names():
        try:
            require(find_decoder(name))
        except MissingPackageError as error:
            pytest.skip(str(error))


def photograph(seed: int) -> Image:
    """Return something like one: coloured areas, soft and hard edges, texture and grain."""
    rng = np.random.default_rng(seed)
    areas = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    soft = np.asarray(PillowImage.fromarray(areas).resize((208, 152), PillowImage.Resampling(3)))
    picture = soft.astype(np.float64)
    picture[40:90, 60:150] = rng.integers(30, 220, 3)
    y, x = np.mgrid[0:152, 0:208]
    picture += 12 * np.sin(x * y / 300)[:, :, None] + rng.normal(0, 5, (152, 208, 1))
    return np.clip(picture, 0, 255).astype(np.uint8)


@cache
def files() -> dict[str, list[bytes]]:
    found: dict[str, list[bytes]] = {}
    for seed in range(4):
        for kind, data in jpegs(photograph(seed)).items():
            found.setdefault(kind, []).append(data)
    return found


@cache
def decoded(kind: str, name: str) -> list[Image]:
    return [decode(data, Pipeline(None, decoder=name), name="x") for data in files()[kind]]


def apart(kind: str, one: str, other: str = "pillow") -> tuple[float, int, float]:
    """Return mean and largest absolute difference, and the mean with its sign, of ``one - other``."""
    pairs = zip(decoded(kind, one), decoded(kind, other), strict=True)
    difference = np.concatenate([(a.astype(np.int16) - b).ravel() for a, b in pairs])
    return float(np.abs(difference).mean()), int(np.abs(difference).max()), float(difference.mean())


def test_every_name_is_of_one_kind() -> None:
    others = {IFAST, NO_FANCY, BOTH, IJG, RUST, FLOAT_6B, FLOAT_TURBO, *SWSCALE, ACCURATE}
    assert set(decoder_names()) == {*TURBO, *others}
    hashes = {name: probe_hash(Pipeline((32, 32), decoder=name)) for name in decoder_names()}
    assert len({hashes[name] for name in TURBO}) == 1
    assert len(set(hashes.values())) == 1 + len(others)


@pytest.mark.parametrize("kind", ["444", "422", "420", "440", "411", "grey", "progressive"])
def test_seven_libraries_are_one_decoder(kind: str) -> None:
    for name in TURBO:
        assert apart(kind, name) == (0.0, 0, 0.0), name


@pytest.mark.parametrize("kind", ["444", "grey"])
def test_with_all_chroma_only_arithmetic_differs(kind: str) -> None:
    assert apart(kind, NO_FANCY)[1] == 0
    assert apart(kind, BOTH) == apart(kind, IFAST)
    assert apart(kind, IJG)[1] <= 1
    for name in (RUST, FLOAT_6B, FLOAT_TURBO, *SWSCALE, ACCURATE):
        mean, most, _ = apart(kind, name)
        assert 0 < mean < 0.25, name
        assert most <= 3, name
    assert apart(kind, FLOAT_TURBO)[0] < apart(kind, FLOAT_6B)[0]
    mean, most, _ = apart(kind, IFAST)
    assert 0.4 < mean < 1.8
    assert 2 <= most <= 30
    changed = decoded(kind, IFAST)[0] != decoded(kind, "pillow")[0]
    assert 0.3 < changed.mean() < 0.95  # 69 % of samples on photographs


@pytest.mark.parametrize("kind", ["444", "422", "420", "440", "progressive"])
def test_the_fast_inverse_dct_darkens(kind: str) -> None:
    bias = [
        (a.astype(float) - b).mean()
        for a, b in zip(decoded(kind, IFAST), decoded(kind, "pillow"), strict=True)
    ]
    assert all(-0.95 < value < -0.55 for value in bias)
    for name in (NO_FANCY, IJG, RUST, FLOAT_6B, FLOAT_TURBO):
        assert abs(apart(kind, name)[2]) < 0.15, name
    assert -0.95 < apart(kind, BOTH, NO_FANCY)[2] < -0.55


@pytest.mark.parametrize("kind", SUBSAMPLED)
def test_chroma_is_what_decoders_differ_in(kind: str) -> None:
    small = [apart(kind, name)[0] for name in (FLOAT_TURBO, FLOAT_6B, RUST)]
    assert small[0] < min(small[1:]) < max(small) < 0.4
    middle = [apart(kind, name) for name in (IJG, NO_FANCY)]
    assert max(small) < middle[0][0] < middle[1][0] < 2
    assert all(most > 10 for _, most, _ in middle)
    assert apart(kind, RUST)[1] < 12  # smooths chroma as libjpeg-turbo does
    for name in SWSCALE:
        assert middle[1][0] < apart(kind, name)[0] < 4
    # IFAST moves every pixel a little and chroma few pixels a lot: they add up.
    assert apart(kind, IFAST)[1] < middle[1][1]
    assert apart(kind, BOTH)[0] > max(apart(kind, IFAST)[0], apart(kind, NO_FANCY)[0])
    # The matrix is one of pairs: with the same arithmetic only chroma is left, and the reverse.
    assert apart(kind, IFAST, BOTH)[0] == pytest.approx(apart(kind, NO_FANCY)[0], rel=0.25)
    assert apart(kind, NO_FANCY, BOTH)[0] == pytest.approx(apart(kind, IFAST)[0], rel=0.25)
    assert apart(kind, IJG, NO_FANCY)[0] > 0.2
    assert apart(kind, "pyav", IJG)[0] > 0.5


def test_swscale_repeats_chroma_where_the_height_is_even_whatever_the_filter() -> None:
    for name in SWSCALE[1:]:
        assert apart("420", name, "pyav")[1] == 0
    assert apart("420", "pyav", NO_FANCY)[0] < 0.5 * apart("420", "pyav")[0]
    assert -1 < apart("420", "pyav")[2] < -0.4  # and rounds down
    odd = jpegs(photograph(9)[:151])["420"]
    seen = [decode(odd, Pipeline(None, decoder=name), name="x") for name in SWSCALE]
    assert len({image.tobytes() for image in seen}) == 3


@pytest.mark.parametrize("kind", SUBSAMPLED)
def test_swscale_can_be_accurate(kind: str) -> None:
    mean, _, bias = apart(kind, ACCURATE)
    assert 0.1 < mean < 0.5 * apart(kind, "pyav")[0]
    assert abs(bias) < 0.1


def test_old_libjpeg_does_not_smooth_columns_alone() -> None:
    # libjpeg 6b has fancy upsampling for 2x1 and 2x2 only.
    assert apart("440", FLOAT_6B, NO_FANCY)[0] < 0.3
    assert apart("440", NO_FANCY)[0] > apart("440", FLOAT_6B, NO_FANCY)[0]
    assert apart("440", IJG)[1] > 4


# Mean and largest difference from libjpeg-turbo, measured on 1000 photographs of another sample.
PUBLISHED = {
    IFAST: {"4:2:0": 0.95, "4:2:2": 0.96, "4:4:4": 1.25, "grey": 0.87},
    NO_FANCY: {"4:2:0": 0.59, "4:2:2": 0.36, "4:4:4": 0.0, "grey": 0.0},
    BOTH: {"4:2:0": 1.25},
    IJG: {"4:2:0": 0.42, "4:2:2": 0.28, "grey": 0.0},
    "pyav": {"4:2:0": 1.01, "4:2:2": 0.67, "4:4:4": 0.04},
    RUST: {"4:2:0": 0.19, "4:4:4": 0.01},
    FLOAT_6B: {"4:2:0": 0.14},
    FLOAT_TURBO: {"4:2:0": 0.02},
    **{name: dict.fromkeys(("4:2:0", "4:2:2", "4:4:4", "grey"), 0.0) for name in TURBO[1:]},
}
AT_MOST = {"4:2:0": 16, "4:2:2": 3, "4:4:4": 16, "grey": 12}


@pytest.mark.shared
def test_the_same_on_photographs_by_how_they_store_chroma(shared: Path) -> None:
    chosen: dict[str, list[bytes]] = {kind: [] for kind in AT_MOST}
    for file in sorted((shared / "data/imagenet_sample/images").iterdir()):
        data = file.read_bytes()
        kind = jpeg.chroma(data)
        if len(chosen[kind]) < AT_MOST[kind]:
            chosen[kind].append(data)
    assert {kind: len(found) for kind, found in chosen.items()} == AT_MOST
    usual = {
        kind: [decode(data, Pipeline(None), name="x") for data in found]
        for kind, found in chosen.items()
    }
    for name, expected in PUBLISHED.items():
        for kind, mean in expected.items():
            seen = [decode(d, Pipeline(None, decoder=name), name="x") for d in chosen[kind]]
            pairs = zip(seen, usual[kind], strict=True)
            found = np.mean([np.abs(a.astype(np.int16) - b).mean() for a, b in pairs])
            if mean == 0 and name != IJG:
                assert found == 0, (name, kind)
            else:
                assert found == pytest.approx(mean, rel=0.45, abs=0.02), (name, kind)
