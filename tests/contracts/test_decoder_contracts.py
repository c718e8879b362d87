"""What every registered decoder keeps to; a new one is tested the day it appears."""

from __future__ import annotations

import re

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as PillowImage
from pipeline_files import SMALL, encoded, jpegs, mutated, oriented, png, soft

from roadworthy.errors import MissingPackageError, SampleError, UsageError
from roadworthy.pipeline.backend import require
from roadworthy.pipeline.base import Pipeline, decode, probe_hash, validate
from roadworthy.pipeline.decoders import pillow
from roadworthy.pipeline.decoders._jpeg import plain_jpeg
from roadworthy.pipeline.stages import DECODERS, decoder_names, find_decoder
from roadworthy.spec import parse
from roadworthy.types import Image

JPEGS = jpegs(soft(37, 51))
MUTANTS = 250
WORDS = {"ifast", "no-fancy", "bicubic", "point", "accurate", "9f", "turbo", "rust"}
"""Variants that are not made of others."""


@pytest.fixture(params=decoder_names())
def name(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    try:
        require(find_decoder(found))
    except MissingPackageError as error:
        pytest.skip(str(error))
    return found


def seen(data: bytes, decoder: str = "pillow") -> Image:
    return decode(data, Pipeline(None, decoder=decoder), name="x")


def blocks(image: Image) -> NDArray[np.float64]:
    """Return the means of the blocks of 8 x 8 pixels."""
    return np.asarray(image[:32, :48].reshape(4, 8, 6, 8, 3).mean((1, 3)))


def test_the_name_can_be_written_in_a_spec(name: str) -> None:
    spec = parse(f"decoder(decode={name})")
    assert dict(spec.params)["decode"] == name
    assert re.fullmatch(r"[a-z0-9-]+", name)


def test_names_are_documented_by_their_file(name: str) -> None:
    (file,) = [f for f in DECODERS if name == f or name.startswith(f"{f}-")]
    assert find_decoder(name).doc == DECODERS.get(file).doc
    assert len(DECODERS.get(file).doc) > 40
    assert DECODERS.summary(file)
    variant = name.removeprefix(file).removeprefix("-")
    assert all(f"``{part}``" in find_decoder(name).doc for part in [variant] if part in WORDS)


@pytest.mark.parametrize("kind", JPEGS)
def test_jpegs_become_rgb_of_the_same_size(name: str, kind: str) -> None:
    image, usual = seen(JPEGS[kind], name), seen(JPEGS[kind])
    assert image.dtype == np.uint8
    assert image.shape == usual.shape == (37, 51, 3)
    # The same picture, however chroma is brought to full size, and not its mirror or another order.
    assert np.abs(blocks(image) - blocks(usual)).mean() < 8
    assert np.abs(image[:, ::-1].astype(int) - usual).mean() > 20
    if kind == "grey":
        assert (image == image[:, :, :1]).all()
    else:
        assert np.abs(image[:, :, ::-1].astype(int) - usual).mean() > 20


@pytest.mark.parametrize("kind", [k for k, v in SMALL.items() if not plain_jpeg(v)])
def test_other_containers_are_pillows(name: str, kind: str) -> None:
    assert np.array_equal(seen(SMALL[kind], name), seen(SMALL[kind]))


def test_cmyk_and_sixteen_bits_are_pillows(name: str) -> None:
    cmyk = encoded(PillowImage.fromarray(soft(9, 14)).convert("CMYK"), "JPEG")
    deep = png([bytes(range(16))], 8, bits=16, colour=0)
    for data in (cmyk, deep):
        assert np.array_equal(seen(data, name), seen(data))


def test_the_picture_is_not_turned(name: str) -> None:
    data = encoded(soft(9, 14), "JPEG", exif=oriented(6), subsampling=0)
    assert seen(data, name).shape == (9, 14, 3)
    turned = decode(data, Pipeline(None, decoder=name, orient="exif"), name="x")
    assert np.array_equal(turned, np.rot90(seen(data, name), -1))


def test_twice_the_same(name: str) -> None:
    data = JPEGS["420"]
    first = seen(data, name).copy()
    seen(JPEGS["444"], name)
    assert np.array_equal(seen(data, name), first)


def test_hostile_jpegs_are_an_image_or_a_sample_error(name: str) -> None:
    rng, seeds = np.random.default_rng(7), [*JPEGS.values(), SMALL["restarts"]]
    reasons: list[str] = []
    for _ in range(MUTANTS):
        try:
            assert seen(mutated(seeds, rng), name).dtype == np.uint8
        except SampleError as error:
            reasons.append(str(error))
    assert MUTANTS // 20 < len(reasons) < MUTANTS - MUTANTS // 20
    assert all(reason.startswith('"x": ') and "\n" not in reason for reason in reasons)


def test_what_it_cannot_read_it_says_by_name_and_nobody_helps(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("another codec was asked")

    data = bytearray(JPEGS["420"])
    table = data.index(b"\xff\xc4") + 5
    data[table : table + 16] = b"\xff" * 16  # a Huffman table of 4080 codes
    if name != "pillow":
        monkeypatch.setitem(pillow._READERS, b"\xff\xd8", never)
    with pytest.raises(SampleError, match=rf'"x": damaged JPEG: {name} cannot decode it \('):
        seen(bytes(data), name)


def test_what_libjpeg_only_warns_of_is_read() -> None:
    data = bytearray(JPEGS["444"])
    middle = (data.index(b"\xff\xda") + len(data)) // 2
    data[middle : middle + 6] = b"\x5a\xa5\x5a\xa5\x5a\xa5"
    usual = seen(bytes(data))
    assert not np.array_equal(usual, seen(JPEGS["444"]))
    for name in ("opencv", "simplejpeg"):
        require(find_decoder(name))
        assert np.array_equal(seen(bytes(data), name), usual)


def test_every_pipeline_has_a_probe_hash(name: str) -> None:
    assert probe_hash(Pipeline((32, 32), decoder=name))


def test_an_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"did you mean 'simplejpeg-ifast'.*ls decoders"):
        validate(Pipeline(None, decoder="simplejpeg-fast"))
    for wrong in ("simplejpeg-", "kornia", "-", "", "pyav-", "pillow-ifast"):
        with pytest.raises(UsageError, match="no decoder is called"):
            validate(Pipeline(None, decoder=wrong))


def test_a_missing_package_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(module: str) -> str:
        return "not installed"

    monkeypatch.setattr("roadworthy.pipeline.backend._missing", absent)
    with pytest.raises(
        MissingPackageError,
        match=r"decoder 'pyav-point' needs the package av \(not installed\): "
        r"pip install 'roadworthy\[decoders\]'",
    ):
        validate(Pipeline((7, 7), decoder="pyav-point"))
    validate(Pipeline((7, 7), decoder="opencv"))
