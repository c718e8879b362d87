"""CMYK, sixteen bits and transparency: every way to RGB against arithmetic and against libraries."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image as PillowImage
from PIL import ImageCms
from pipeline_files import chunk, encoded, png, soft

from roadworthy.errors import SampleError, UsageError
from roadworthy.pipeline.base import Pipeline, decode, decode_hash, probe_hash, validate
from roadworthy.pipeline.colour_stages import ALPHAS, CMYKS, DEPTHS
from roadworthy.types import Image

AS_IS = Pipeline(None)
CMYK = encoded(PillowImage.fromarray(soft(19, 14)).convert("CMYK"), "JPEG", quality=95)


def seen(data: bytes, **stages: str) -> Image:
    return decode(data, replace(AS_IS, **stages), name="x")  # type: ignore[arg-type]


def by_opencv(data: bytes) -> Image:
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    pixels: Any = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    return np.asarray(pixels[:, :, ::-1])


def inks() -> Image:
    """Return every pair of coloured and black ink, 256 x 256."""
    c, k = np.meshgrid(np.arange(256), np.arange(256))
    return np.stack([c, 255 - c, c // 2, k], axis=2).astype(np.uint8)


def test_pillows_inks_are_its_own_convert() -> None:
    with PillowImage.open(io.BytesIO(CMYK)) as picture:
        want = np.asarray(picture.convert("RGB"))
    assert np.array_equal(seen(CMYK), want)
    assert np.array_equal(seen(CMYK, alpha="white", cmyk="pillow"), want)
    mixed = inks()
    covered, left = mixed[:, :, :3].astype(int), 255 - mixed[:, :, 3:].astype(int)
    plain = left - (covered * left / 255)
    assert np.abs(CMYKS.get("pillow").function(mixed, b"") - plain).max() <= 1


def test_opencvs_inks_are_its_own_imdecode() -> None:
    own = by_opencv(CMYK)
    assert np.array_equal(seen(CMYK, cmyk="opencv"), own)
    assert np.array_equal(seen(CMYK, cmyk="opencv", decoder="simplejpeg"), own)
    difference = np.abs(own.astype(int) - seen(CMYK))
    assert 0 < difference.max() <= 2
    paper = np.zeros((1, 1, 4), np.uint8)
    assert (CMYKS.get("opencv").function(paper, b"") == 255).all()


def test_cmyk_in_tiff_takes_the_formula_too() -> None:
    data = encoded(PillowImage.fromarray(inks()[::8, ::8].copy(), "CMYK"), "TIFF")
    assert np.array_equal(
        seen(data, cmyk="opencv"), CMYKS.get("opencv").function(inks()[::8, ::8], b"")
    )


def test_a_profile_for_inks_that_is_none_leaves_the_plain_formula() -> None:
    assert np.array_equal(seen(CMYK, cmyk="profile"), seen(CMYK))
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    wrong = encoded(PillowImage.fromarray(soft(9, 8)).convert("CMYK"), "JPEG", icc_profile=srgb)
    assert np.array_equal(seen(wrong, cmyk="profile"), seen(wrong))
    broken = srgb[:16] + b"CMYK" + srgb[20:]
    data = encoded(PillowImage.fromarray(soft(9, 8)).convert("CMYK"), "JPEG", icc_profile=broken)
    with pytest.raises(SampleError, match=r'^"x": its colour profile cannot be used .*leave the'):
        seen(data, cmyk="profile")


RAMP = np.arange(65_536, dtype=np.uint16).reshape(256, 256)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM"])
def test_a_ramp_of_sixteen_bits(kind: str) -> None:
    data = encoded(PillowImage.fromarray(RAMP), kind)
    high, cut = seen(data), seen(data, depth="saturate")
    assert np.array_equal(high[:, :, 1], RAMP >> 8)
    assert np.array_equal(cut[:, :, 2], np.minimum(RAMP, 255))
    assert (cut == cut[:, :, :1]).all()
    assert (cut == 255).mean() == pytest.approx(0.996, abs=5e-4)  # 99.6 % are white


def test_saturating_is_pillows_own_convert_and_high_bytes_are_opencvs() -> None:
    data = encoded(PillowImage.fromarray(RAMP), "PNG")
    with PillowImage.open(io.BytesIO(data)) as picture:
        own = np.asarray(picture.convert("L"))
    assert np.array_equal(seen(data, depth="saturate")[:, :, 0], own)
    assert np.array_equal(seen(data), by_opencv(data))
    for decoder in ("opencv", "imagecodecs"):
        assert np.array_equal(seen(data, decoder=decoder, depth="saturate")[:, :, 0], own)


def test_other_depths_do_not_change() -> None:
    grey = encoded(PillowImage.fromarray(soft(9, 8)).convert("L"), "PNG")
    rgb16 = png([struct.pack(">3H", 300, 200, 65_535)], 1, bits=16, colour=2)
    for data in (grey, rgb16, encoded(soft(9, 8), "JPEG")):
        assert np.array_equal(seen(data, depth="saturate"), seen(data))


def clear(kind: str = "PNG", opacity: Image | int = 77, mode: str = "RGBA") -> bytes:
    picture = PillowImage.fromarray(soft(9, 14))
    alpha = opacity if isinstance(opacity, int) else PillowImage.fromarray(opacity)
    picture.putalpha(alpha)
    return encoded(picture.convert(mode), kind, **({"lossless": True} if kind == "WEBP" else {}))


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize(("ground", "level"), [("white", 255), ("black", 0)])
def test_transparency_is_laid_on_a_ground(kind: str, ground: str, level: int) -> None:
    opacity = np.linspace(1, 255, 9 * 14).reshape(9, 14).astype(np.uint8)
    data = clear(kind, opacity)
    part = opacity[:, :, None] / 255
    want = part * soft(9, 14) + (1 - part) * level
    for decoder in ("pillow", "opencv"):
        assert np.abs(seen(data, alpha=ground, decoder=decoder) - want).max() <= 0.51
    assert np.array_equal(seen(data), soft(9, 14))  # dropped, the hidden colours show
    assert np.array_equal(seen(data, alpha="drop"), soft(9, 14))


def test_grey_with_transparency() -> None:
    data = clear(mode="LA")
    grey = np.asarray(PillowImage.fromarray(soft(9, 14)).convert("L"))[:, :, None]
    assert np.abs(seen(data, alpha="black") - 77 / 255 * grey).max() <= 0.51


def test_transparent_colours_of_png_and_palettes() -> None:
    row = bytes([10, 20, 30, 40, 50, 60])
    key = chunk(b"tRNS", struct.pack(">3H", 10, 20, 30))
    assert seen(png([row], 2, extra=[key]), alpha="white").ravel().tolist() == [255] * 3 + [
        40,
        50,
        60,
    ]
    picture = PillowImage.fromarray(soft(9, 14)).quantize(32)
    index = int(np.asarray(picture)[4, 5])
    for kind in ("PNG", "GIF"):
        data = encoded(picture, kind, transparency=index)
        hidden = np.asarray(picture) == index
        want = np.where(hidden[:, :, None], 255, seen(data))
        assert np.array_equal(seen(data, alpha="white"), want)
    deep = png([struct.pack(">3H", 5, 700, 65_000)], 3, bits=16, colour=0)
    keyed = deep[:33] + chunk(b"tRNS", struct.pack(">H", 700)) + deep[33:]
    assert seen(keyed, alpha="white")[0, :, 0].tolist() == [0, 255, 253]
    assert seen(keyed, alpha="black", depth="saturate")[0, :, 0].tolist() == [5, 0, 255]


def test_a_palette_that_spells_the_name_of_a_chunk() -> None:
    picture = PillowImage.new("P", (2, 1))
    picture.putpalette(b"IDATIDATIDAT")
    picture.putdata([0, 2])
    data = encoded(picture, "PNG", transparency=b"\0\xff\xff")
    assert seen(data, alpha="white").ravel().tolist() == [255, 255, 255, *b"ATI"]


def test_opaque_files_do_not_change() -> None:
    for data in (encoded(soft(9, 8), "JPEG"), encoded(soft(9, 8), "PNG"), CMYK):
        assert np.array_equal(seen(data, alpha="white"), seen(data))


def test_damaged_files_are_refused_on_every_way() -> None:
    data = bytearray(clear())
    start = data.index(b"IDAT")
    body = data[start + 4 : start + 30]
    broken = bytes(data[: start - 4]) + chunk(b"IDAT", bytes(body)) + chunk(b"IEND", b"")
    for stages in ({}, {"alpha": "white"}, {"cmyk": "opencv"}):
        with pytest.raises(SampleError, match=r'^"x": damaged PNG: pillow cannot decode it'):
            seen(broken, **stages)


@pytest.mark.parametrize(
    ("field", "registry"), [("cmyk", CMYKS), ("depth", DEPTHS), ("alpha", ALPHAS)]
)
def test_names_hashes_and_texts(field: str, registry: Iterable[str]) -> None:
    names = list(registry)
    ways = [replace(AS_IS, **{field: name}) for name in names]  # type: ignore[arg-type]
    assert len({probe_hash(p) for p in ways}) == len({decode_hash(p) for p in ways}) == len(names)
    assert sorted(str(p) for p in ways)[0] == "pipeline(size=none)"
    with pytest.raises(UsageError, match="is called 'whit'"):
        validate(replace(AS_IS, **{field: "whit"}))  # type: ignore[arg-type]
