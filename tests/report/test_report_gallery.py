from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image
from report_fakes import FakeView, picture

from roadworthy.engine.records import SCHEMA
from roadworthy.report import gallery as module
from roadworthy.report import thumbnail as thumbnails
from roadworthy.report.flat import judged
from roadworthy.report.gallery import worst_images
from roadworthy.report.thumbnail import thumbnail


def opened(uri: str | None) -> Image.Image:
    assert uri is not None
    head, _, body = uri.partition(",")
    assert head == "data:image/jpeg;base64"
    return Image.open(io.BytesIO(base64.b64decode(body)))


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def test_thumbnails_are_small_and_keep_their_shape() -> None:
    assert opened(thumbnail(picture(0, size=(800, 400)))).size == (160, 80)
    assert opened(thumbnail(picture(0, size=(32, 32)))).size == (32, 32)


@pytest.mark.parametrize("mode", ["L", "P", "CMYK", "RGBA", "LA", "1", "I;16"])
def test_every_mode_becomes_a_picture(mode: str) -> None:
    kind = "TIFF" if mode == "CMYK" else "PNG"
    if mode == "I;16":
        image = Image.fromarray(np.linspace(0, 60000, 400).reshape(20, 20).astype(np.uint16))
    else:
        image = Image.open(io.BytesIO(picture(1, size=(20, 20)))).convert(mode)
    small = opened(thumbnail(encoded(image, kind)))
    assert (small.mode, small.size) == ("RGB", (20, 20))


def test_sixteen_bits_keep_their_range() -> None:
    image = Image.fromarray(np.linspace(0, 60000, 400).reshape(20, 20).astype(np.uint16))
    pixels = np.asarray(opened(thumbnail(encoded(image, "PNG"))))
    assert pixels[0].mean() < 30
    assert pixels[-1].mean() > 225
    assert 100 < pixels[10].mean() < 155


def test_transparency_is_white() -> None:
    clear = Image.new("RGBA", (8, 8), (200, 0, 0, 0))
    assert np.asarray(opened(thumbnail(encoded(clear, "PNG")))).min() > 250


def test_exif_rotation_is_applied() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    wide = Image.open(io.BytesIO(picture(0, size=(100, 50))))
    assert opened(thumbnail(encoded(wide, "JPEG", exif=exif))).size == (50, 100)


@pytest.mark.parametrize(
    "data",
    [
        None,
        b"",
        b"not an image",
        picture(0)[:300],
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\nshowpage\n",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        encoded(Image.new("1", (20000, 20000)), "PNG"),
    ],
    ids=["gone", "empty", "text", "truncated", "eps", "svg", "bomb"],
)
def test_what_is_no_picture_is_no_thumbnail(data: bytes | None) -> None:
    assert thumbnail(data) is None


def test_a_huge_file_is_not_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thumbnails, "MOST_BYTES", 100)
    assert thumbnail(picture(0)) is None


def rows_of(*judgements: tuple[str, str, bool, float]) -> pl.DataFrame:
    rows = [
        {
            "sample": sample,
            "data": "d",
            "model": "m",
            "stress": stress,
            "variant": "",
            "status": "ok",
            "label": 0,
            "pred": 0 if correct else 1,
            "correct": correct,
            "conf": conf,
        }
        for stress, sample, correct, conf in judgements
    ]
    return pl.DataFrame(rows, schema=SCHEMA)


def test_the_worst_come_first_and_those_right_when_clean_have_their_own_group() -> None:
    rows = rows_of(
        ("clean", "a", True, 0.9),
        ("clean", "b", True, 0.9),
        ("clean", "c", False, 0.3),
        ("clean", "e", False, 0.8),
        ("jpeg(quality=30)", "a", False, 0.5),
        ("jpeg(quality=30)", "b", False, 0.6),
        ("jpeg(quality=10)", "a", False, 0.4),
        ("jpeg(quality=30)", "c", False, 0.99),
        ("jpeg(quality=30)", "e", False, 0.98),
        ("jpeg(quality=30)", "z", True, 1.0),
    )
    view = FakeView(Path(), {}, images={"a": picture(0)}, names=("cat", "dog"))
    groups = worst_images(view, judged(rows), images=2)
    assert [(g.axis, g.title, [p.sample for p in g.pictures]) for g in groups] == [
        ("Clean", "Most confidently wrong", ["e", "c"]),
        ("Systematic noise", "Most confidently wrong", ["c", "e"]),
        ("Systematic noise", "Right when clean, wrong under the stress", ["b", "a"]),
    ]
    last = groups[-1].pictures[-1]
    assert (last.label, last.pred, last.confidence, last.where) == (
        "cat",
        "dog",
        "50 %",
        "jpeg(quality=30)",
    )
    assert last.uri is not None
    assert groups[0].pictures[0].uri is None


def test_a_page_takes_so_many_pictures_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_THUMBNAILS", 5)
    samples = [f"s{i}" for i in range(9)]
    rows = rows_of(*((s, n, False, 0.5) for s in ("clean", "jpeg", "translate") for n in samples))
    groups = worst_images(FakeView(Path(), {}), judged(rows), images=4)
    assert [len(g.pictures) for g in groups] == [4, 1]


def test_nothing_wrong_is_nothing_to_show() -> None:
    assert worst_images(FakeView(Path(), {}), judged(rows_of(("clean", "a", True, 0.9)))) == []
