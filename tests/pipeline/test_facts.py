"""What encoded files say of themselves: how colour is stored, and by how much they are shrunk."""

from __future__ import annotations

import io
import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from engine_world import colour_net
from PIL import Image as Pillow

import roadworthy as rw
from roadworthy.pipeline.base import Pipeline, decode
from roadworthy.pipeline.containers import jpeg
from roadworthy.pipeline.facts import facts_of
from roadworthy.pipeline.integrity import check

RNG = np.random.default_rng(5)


def encoded(
    height: int, width: int, mode: str = "RGB", kind: str = "JPEG", **options: object
) -> bytes:
    pixels = RNG.integers(0, 256, (height, width, 3), np.uint8)
    buffer = io.BytesIO()
    Pillow.fromarray(pixels).convert(mode).save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (encoded(20, 30, subsampling="4:4:4"), "4:4:4"),
        (encoded(20, 30, subsampling="4:2:2"), "4:2:2"),
        (encoded(20, 30, subsampling="4:2:0"), "4:2:0"),
        (encoded(20, 30, subsampling="4:2:0", progressive=True), "4:2:0"),
        (encoded(20, 30, "L"), "grey"),
        (encoded(20, 30, "CMYK"), "CMYK"),
        (encoded(20, 30, exif=b"Exif\0\0" + bytes(70), subsampling="4:4:4"), "4:4:4"),
        (encoded(20, 30, kind="PNG"), "not JPEG"),
    ],
)
def test_how_colour_is_stored(data: bytes, expected: str) -> None:
    own = Pipeline(size=(8, 8))
    assert facts_of(check(data, name="p"), decode(data, own, name="p"), own).chroma == expected


@pytest.mark.parametrize(
    ("sampling", "expected"),
    [
        ((0x12, 0x11, 0x11), "4:4:0"),
        ((0x41, 0x11, 0x11), "4:1:1"),
        ((0x22, 0x22, 0x22), "4:4:4"),
        ((0x22, 0x12, 0x12), "4:2:2"),
        ((0x22, 0x11, 0x12), "other"),
        ((0x31, 0x21, 0x21), "other"),
    ],
)
def test_rarer_layouts_by_their_sampling_factors(sampling: tuple[int, ...], expected: str) -> None:
    data = bytearray(encoded(20, 30, subsampling="4:4:4"))
    frame = data.index(b"\xff\xc0")
    for component, factors in enumerate(sampling):
        data[frame + 11 + 3 * component] = factors
    assert jpeg.chroma(bytes(data)) == expected


@pytest.mark.parametrize(
    ("pipeline", "expected"),
    [
        # 400 x 300 to 133 x 100: the longer side is truncated
        (Pipeline(size=(100, 100), crop=1.0), math.sqrt(400 * 300 / (133 * 100))),
        (Pipeline(size=(100, 100), geometry="squash"), math.sqrt(4 * 3)),
        (Pipeline(size=(100, 100), geometry="inner"), 0.875 * math.sqrt(4 * 3)),
        (Pipeline(size=(600, 600), crop=1.0), 0.5),
        (Pipeline(size=None), None),
    ],
)
def test_by_how_much_a_picture_is_shrunk(pipeline: Pipeline, expected: float | None) -> None:
    data = encoded(300, 400)
    found = facts_of(check(data, name="p"), decode(data, pipeline, name="p"), pipeline).downscale
    assert found == (None if expected is None else pytest.approx(expected, rel=2e-3))


def test_records_have_the_facts_of_their_file(tmp_path: Path) -> None:
    """Of every image, under every stress, on the clean frame; a file that cannot be read has none."""
    folder = tmp_path / "data"
    for colour in ("red", "green", "blue"):
        (folder / colour).mkdir(parents=True)
    files = {
        "red/a.jpg": encoded(32, 32, subsampling="4:2:0"),
        "green/b.jpg": encoded(16, 64, "L"),
        "blue/c.png": encoded(8, 8, kind="PNG"),
        "blue/d.jpg": b"\xff\xd8\xff\xe0 not a picture",
    }
    for name, data in files.items():
        (folder / name).write_bytes(data)
    stresses = [
        "jpeg(quality=30)",
        "resizer(resize=opencv-area)",
        "translate(frames=3)",
        "pgd(eps=1/255)",
    ]
    run = rw.evaluate(colour_net(), f"imagefolder:{folder}", stresses, out=tmp_path / "r")
    rows = run.rows()
    said = {
        sample: (chroma, None if scale is None else round(scale, 3))
        for sample, chroma, scale in rows.select("sample", "chroma", "downscale")
        .unique()
        .iter_rows()
    }
    expected = {"red/a.jpg": ("4:2:0", 2.0), "green/b.jpg": ("grey", 1.0)}
    assert said == {**expected, "blue/c.png": ("not JPEG", 0.5), "blue/d.jpg": (None, None)}
    assert rows.filter(pl.col("sample") == "red/a.jpg")["stress"].n_unique() == 5
