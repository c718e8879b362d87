from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image
from report_fakes import FakeView, picture, pictures_of

from roadworthy.engine.records import SCHEMA
from roadworthy.report import gallery as module
from roadworthy.report import thumbnail as thumbnails
from roadworthy.report.evidence import Evidence
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
            "variant": stress.removeprefix("jpeg(").removesuffix(")") if "(" in stress else "",
            "status": "ok",
            "pipeline": "pipeline(size=16)",
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
    view = FakeView(Path(), pictures_of(rows), images={"a": picture(0)}, names=("cat", "dog"))
    groups = list(worst_images(Evidence(view, images=2)))
    assert [(g.title, [p.soft[1] for p in g.pictures]) for g in groups] == [
        ("Clean: most confidently wrong", ["e", "c"]),
        ("Systematic noise: most confidently wrong", ["c", "e"]),
        ("Systematic noise: right when clean, wrong under the stress", ["b", "a"]),
    ]
    card = groups[-1].pictures[-1]
    assert (card.strong, card.beside, card.lines) == (
        "dog",
        "50 %",
        ["truth: cat", "clean: cat 90 %"],
    )
    assert card.soft[0] == "jpeg(quality=30)"
    assert [panel.label for panel in card.panels][:2] == ["clean", "stressed"]
    gone = groups[0].pictures[0]
    assert (gone.panels, gone.why) == ([], "the image is no longer where it was")


def test_an_image_is_shown_once_for_each_axis_where_it_is_wrong_most_surely() -> None:
    one = "jpeg(quality=[10, 30])"
    rows = rows_of(
        *(("clean", sample, True, 0.9) for sample in "ab"),
        *((one, sample, False, conf) for sample, conf in (("a", 0.5), ("a", 0.7), ("b", 0.6))),
    ).with_columns(variant=pl.Series([""] * 2 + ["quality=10", "quality=30", "quality=10"]))
    view = FakeView(Path(), pictures_of(rows), images={"a": picture(0)})
    (most,) = worst_images(Evidence(view, images=2))
    assert [(card.soft[1], card.soft[0], card.beside) for card in most.pictures] == [
        ("a", "jpeg(quality=30)", "70 %"),
        ("b", "jpeg(quality=10)", "60 %"),
    ]
    first, second = worst_images(Evidence(view, images=1))  # b is left for the other group
    assert [[card.soft[1] for card in group.pictures] for group in (first, second)] == [
        ["a"],
        ["b"],
    ]


def test_a_page_takes_so_many_bytes_of_pictures_and_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 2000)
    samples = [f"s{i}" for i in range(9)]
    rows = rows_of(*((s, n, False, 0.5) for s in ("clean", "jpeg", "translate") for n in samples))
    images = dict.fromkeys(samples, picture(0, size=(60, 60)))
    groups = list(worst_images(Evidence(FakeView(Path(), pictures_of(rows), images=images))))
    sizes = [sum(len(p.uri) for c in g.pictures for p in c.panels) for g in groups]
    assert 2000 <= sum(sizes) < 6000
    assert [len(g.pictures) + g.more for g in groups] == [6, 6, 6]
    assert groups[-1].pictures == []


def test_nothing_wrong_is_nothing_to_show() -> None:
    found = pictures_of(rows_of(("clean", "a", True, 0.9)))
    assert found["images"] == []
    assert list(worst_images(Evidence(FakeView(Path(), found)))) == []
