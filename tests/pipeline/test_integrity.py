"""Files that are cut, foreign, hostile or absurd: one SampleError that says what to do."""

from __future__ import annotations

import struct
import time
from dataclasses import replace

import pytest
from PIL import Image as PillowImage
from pipeline_files import SMALL, chunk, grey_tiff, png

from roadworthy.errors import SampleError, UsageError
from roadworthy.pipeline.base import Pipeline, decode
from roadworthy.pipeline.integrity import check, quoted

AS_IS = Pipeline(None)
WAYS = (AS_IS, Pipeline(None, decoder="opencv", orient="exif"))


def refusal(data: bytes) -> str:
    """Return the one text with which every decoder refuses ``data``."""
    texts = set()
    for pipeline in WAYS:
        with pytest.raises(SampleError) as caught:
            decode(data, pipeline, name="photos/cat.jpg")
        texts.add(str(caught.value))
    (text,) = texts
    assert text.startswith('"photos/cat.jpg": ')
    return text.removeprefix('"photos/cat.jpg": ')


JPEG = SMALL["jpeg"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the file is empty; copy it again or leave it out"),
        (b"<!DOCTYPE html><html>", "an HTML page, perhaps the error page of a failed download"),
        (b"\n <HTML><body>", "HTML page"),
        (b"file,label\na.jpg,3\n", "it looks like text starting with 'file,label\\na.jpg'"),
        (b"<?xml?><svg></svg>", "an SVG drawing"),
        (b"%PDF-1.7", "a PDF"),
        (b"PK\3\4abc", "a zip archive"),
        (b"\x93NUMPY", "`arrays:`"),
        (b"version https://git-lfs.github.com", "`git lfs pull`"),
        (b"\0\0\0\x1cftypavif", "it looks like AVIF"),
        (b"\x80\x04\x95abc", "it starts with the bytes 80 04 95 61 62 63; JPEG, PNG, WebP, GIF"),
    ],
)
def test_foreign_files_are_recognised(data: bytes, message: str) -> None:
    assert message in refusal(data)


def test_the_message_for_a_cut_jpeg() -> None:
    data = JPEG[:-2] + bytes(12_345 - len(JPEG) + 2)
    assert refusal(data) == (
        "truncated JPEG: no end-of-image marker after 12 345 bytes; "
        "copy the file again or leave it out"
    )


def test_jpeg_oddities_that_are_fine() -> None:
    filled = JPEG[:2] + b"\xff\xff\xff" + JPEG[2:-2] + b"\xff\xff\xff\xd9"
    for data in (JPEG + b"garbage\xff\xd8", filled):
        assert decode(data, AS_IS, name="x").shape == (19, 23, 3)
        assert check(data, name="x").width == 23


def test_an_end_marker_between_scans_is_not_the_end() -> None:
    data = SMALL["progressive"]
    second = data.index(b"\xff\xda", data.index(b"\xff\xda") + 2)
    comment = b"\xff\xfe\x00\x06ab\xff\xd9"
    held = data[:second] + comment + data[second:]
    assert decode(held, AS_IS, name="x").shape == (19, 23, 3)
    assert "truncated JPEG" in refusal(held[: second + 100])


def _frame_header(data: bytes) -> int:
    return data.index(b"\xff\xc0")


def with_size(data: bytes, height: int, width: int) -> bytes:
    at = _frame_header(data) + 5
    return data[:at] + struct.pack(">HH", height, width) + data[at + 4 :]


def test_bombs_are_refused_before_decoding() -> None:
    bomb = with_size(JPEG, 20_000, 30_000)
    text = refusal(bomb)
    assert "JPEG of 30 000 x 20 000 pixels, above the bound of 89 478 485" in text
    assert "ROADWORTHY_MAX_PIXELS" in text
    assert "bomb" in refusal(png([b"abc"], 60_000, height=60_000))
    assert "bomb" in refusal(grey_tiff(2, 2, t256=(256, 4, 1, 2**31)))
    gif = bytearray(SMALL["gif"])
    at = gif.index(b"\x2c\0\0\0\0")
    gif[at + 5 : at + 9] = b"\xff\xff\xff\xff"  # the frame, not the screen, is huge
    assert "GIF of 65 535 x 65 535" in refusal(bytes(gif))


def test_the_bound_is_exact_and_can_be_moved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROADWORTHY_MAX_PIXELS", str(19 * 23))
    decode(JPEG, AS_IS, name="x")
    monkeypatch.setenv("ROADWORTHY_MAX_PIXELS", str(19 * 23 - 1))
    assert "above the bound of 436:" in refusal(JPEG)
    monkeypatch.setenv("ROADWORTHY_MAX_PIXELS", "many")
    with pytest.raises(UsageError, match="not 'many'"):
        decode(JPEG, AS_IS, name="x")


def test_a_raised_bound_is_not_undone_by_pillow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PillowImage, "MAX_IMAGE_PIXELS", 100)
    monkeypatch.setenv("ROADWORTHY_MAX_PIXELS", "1000")
    for data in SMALL.values():
        decode(data, AS_IS, name="x")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (with_size(JPEG, 0, 23), "23 x 0 pixels"),
        (png([], 0, height=4), "damaged PNG: 0 x 4 pixels"),
        (JPEG[:2] + b"\xff\xd9", "it ends before any picture data"),
        (JPEG[: _frame_header(JPEG)] + JPEG[JPEG.index(b"\xff\xda") :], "no frame header"),
        (JPEG[:2] + JPEG[_frame_header(JPEG) :][:19] + JPEG[2:], "two frame headers"),
        (JPEG[:-2] + JPEG, "another picture starts"),
        (JPEG[:2] + b"\xff\xe0\0\1" + JPEG[2:], "a segment of 1 bytes"),
        (SMALL["png"].replace(b"IHDR\0\0\0\x17", b"IHDR\0\0\0\x16"), "wrong checksum in IHDR"),
        (png([bytes(3)], 1, extra=[png([bytes(3)], 1)[8:33]]), "two IHDR"),
        (png([bytes(3)], 1)[:33] + chunk(b"IEND", b""), "no picture data"),
        (b"\x89PNG\r\n\x1a\n" + chunk(b"IDAT", bytes(13)), "the first chunk is not IHDR"),
        (b"GIF89a\1\0\1\0\0\0\0;", "no picture before the trailer"),
        (b"GIF89a\1\0\1\0\0\0\0Z", "an unknown block at byte 13"),
        (grey_tiff(4, 3, t256=(256, 4, 0, 4)), "tag 256 has 0 values"),
        (grey_tiff(4, 3, t257=(256, 4, 1, 4)), "a tag appears twice"),
        (grey_tiff(4, 3, t257=(257, 2, 1, 4)), "no width or height (tag 257)"),
        (grey_tiff(4, 3, t279=(279, 4, 1, 900)), "truncated TIFF: no complete picture data"),
        (grey_tiff(4, 3, t273=(273, 4, 2**30, 8)), "tag 273 has 1 073 741 824 values"),
        (grey_tiff(4, 3, t273=(305, 4, 1, 8)), "damaged TIFF: no picture data"),
        (b"II+\0" + bytes(60), "BigTIFF"),
    ],
)
def test_contradictions_are_named(data: bytes, message: str) -> None:
    assert message in refusal(data)


def test_wrong_checksums_count_only_where_pixels_are() -> None:
    data = SMALL["png"]
    at = data.index(b"eXIf")
    harmless = data[: at + 5] + b"?" + data[at + 6 :]
    assert decode(harmless, AS_IS, name="x").shape == (19, 23, 3)
    at = data.index(b"IDAT") + 20
    assert "wrong checksum in IDAT" in refusal(data[:at] + b"?" + data[at + 1 :])


@pytest.mark.parametrize(
    "data",
    [
        JPEG[:2] + b"\xff" * 5_000_000,
        JPEG[:2] + b"\xff\xe1\0\2" * 1_000_000,
        JPEG[:-2] + b"\xff\xda\0\2" * 1_000_000,
        SMALL["png"][:33] + chunk(b"abCd", b"") * 500_000,
        SMALL["gif"][:-1] + b"\x21\xfe\0" * 1_000_000,
    ],
)
def test_endless_headers_are_given_up_quickly(data: bytes) -> None:
    start = time.perf_counter()
    with pytest.raises(SampleError):
        check(data, name="x")
    assert time.perf_counter() - start < 3


def test_too_many_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("roadworthy.pipeline.integrity.ENCODED_MAX", len(JPEG) - 1)
    assert "bytes, above the bound of" in refusal(JPEG)


def test_a_decoder_that_fails_in_any_way_names_the_image(monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("roadworthy.pipeline.decoders.pillow.np.asarray", explode)
    with pytest.raises(SampleError, match=r'^"x": damaged JPEG: pillow cannot .*\(MemoryError\)'):
        decode(JPEG, AS_IS, name="x")


def test_names_are_fit_for_a_terminal() -> None:
    assert quoted("a b/é.jpg") == '"a b/é.jpg"'
    assert quoted("a\n\x1b[31m\udc80") == '"a\\n\\x1b[31m\\udc80"'


def test_unknown_stages_are_usage_errors_not_bad_samples() -> None:
    with pytest.raises(UsageError, match="did you mean 'pillow'"):
        decode(JPEG, replace(AS_IS, decoder="pillw"), name="x")
