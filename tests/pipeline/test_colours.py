"""Every container and pixel layout becomes the same plain RGB, with either decoder."""

from __future__ import annotations

import io
import struct
from dataclasses import replace

import cv2
import numpy as np
import pytest
from PIL import Image as PillowImage
from pipeline_files import chunk, encoded, grey_tiff, oriented, png, seen, soft

from roadworthy.errors import SampleError
from roadworthy.pipeline.base import Pipeline, decode
from roadworthy.pipeline.stages import find_decoder
from roadworthy.types import Image

AS_IS = Pipeline(None)
DECODERS = ("pillow", "opencv")


def plain(data: bytes) -> Image:
    with PillowImage.open(io.BytesIO(data)) as picture:
        return np.asarray(picture.convert("RGB"))


@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize("progressive", [False, True])
def test_jpeg_is_what_pillow_sees(subsampling: int, progressive: bool) -> None:
    data = encoded(soft(37, 51), "JPEG", subsampling=subsampling, progressive=progressive)
    assert np.array_equal(seen(data), plain(data))


def test_jpeg_is_truly_decoded_by_opencv(monkeypatch: pytest.MonkeyPatch) -> None:
    calls, real = [], cv2.imdecode

    def counted(data: Image, flags: int) -> object:
        calls.append(flags)
        return real(data, flags)

    monkeypatch.setattr(cv2, "imdecode", counted)
    opencv = replace(AS_IS, decoder="opencv")
    for kind in ("JPEG", "PNG", "GIF", "WEBP"):
        decode(encoded(soft(9, 8), kind), opencv, name="x")
    assert len(calls) == 2
    decode(encoded(PillowImage.fromarray(soft(9, 8)).convert("CMYK"), "JPEG"), opencv, name="x")
    assert len(calls) == 2
    assert cv2.getNumThreads() == 1


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM", "GIF"])
@pytest.mark.parametrize("mode", ["1", "L", "RGB"])
def test_lossless_containers_give_the_pixels_back(kind: str, mode: str) -> None:
    picture = PillowImage.fromarray(soft(9, 14)).convert(mode)
    if kind == "GIF" and mode == "RGB":
        picture = picture.quantize(64)
    want = np.asarray(picture.convert("RGB"))
    assert np.array_equal(seen(encoded(picture, kind)), want)


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_deflate", "packbits", "raw"])
def test_compressed_tiff(compression: str) -> None:
    assert np.array_equal(seen(encoded(soft(9, 14), "TIFF", compression=compression)), soft(9, 14))


def test_webp_without_loss_and_with() -> None:
    assert np.array_equal(seen(encoded(soft(9, 14), "WEBP", lossless=True)), soft(9, 14))
    lossy = encoded(soft(9, 14), "WEBP", quality=60)
    assert np.array_equal(seen(lossy), plain(lossy))


def test_cmyk_follows_pillow() -> None:
    data = encoded(PillowImage.fromarray(soft(19, 14)).convert("CMYK"), "JPEG", quality=95)
    assert np.array_equal(seen(data), plain(data))
    assert np.abs(seen(data).astype(int) - soft(19, 14)).mean() < 6  # not inverted


def test_ycbcr_tiff_becomes_rgb() -> None:
    data = encoded(PillowImage.fromarray(soft(16, 16)).convert("YCbCr"), "TIFF")
    assert np.abs(seen(data).astype(int) - soft(16, 16)).max() <= 3


RAMP16 = [0, 255, 256, 257, 32_767, 32_768, 65_279, 65_535]
HIGH = [0, 0, 1, 1, 127, 128, 254, 255]


def test_sixteen_bit_grey_keeps_the_high_byte() -> None:
    rows = [struct.pack(">8H", *RAMP16)] * 2
    image = seen(png(rows, 8, bits=16, colour=0))
    assert image[1, :, 0].tolist() == image[0, :, 2].tolist() == HIGH


@pytest.mark.parametrize("kind", ["TIFF", "PPM"])
def test_sixteen_bit_grey_in_other_containers(kind: str) -> None:
    grey = np.array([RAMP16] * 2, np.uint16)
    assert seen(encoded(PillowImage.fromarray(grey), kind))[0, :, 1].tolist() == HIGH


def test_sixteen_bit_rgb_keeps_the_high_byte() -> None:
    values = [200 * 256 + 250, 100 * 256 + 127, 9 * 256 + 255]
    image = seen(png([struct.pack(">3H", *values)], 1, bits=16, colour=2))
    assert image[0, 0].tolist() == [200, 100, 9]
    alpha = seen(png([struct.pack(">4H", *values, 0)], 1, bits=16, colour=6))
    assert alpha[0, 0].tolist() == [200, 100, 9]


@pytest.mark.parametrize(("bits", "expected"), [(1, 255), (2, 170), (4, 187)])
def test_small_grey_depths_are_stretched(bits: int, expected: int) -> None:
    assert seen(png([bytes([0b10111011])], 2, bits=bits, colour=0))[0, 0, 0] == expected


def test_hidden_colour_under_transparency_shows() -> None:
    image = soft(6, 8)
    picture = PillowImage.fromarray(image)
    picture.putalpha(0)
    for kind in ("PNG", "TIFF", "BMP"):
        assert np.array_equal(seen(encoded(picture, kind)), image)
    grey = picture.convert("LA")
    assert np.array_equal(seen(encoded(grey, "PNG"))[:, :, 0], np.asarray(grey)[:, :, 0])


@pytest.mark.parametrize("transparency", [None, 3, bytes([0, 128, 255])])
def test_palettes_with_and_without_transparency(transparency: object) -> None:
    picture = PillowImage.fromarray(soft(9, 14)).quantize(32)
    want = np.asarray(picture.convert("RGB"))
    options = {} if transparency is None else {"transparency": transparency}
    assert np.array_equal(seen(encoded(picture, "PNG", **options)), want)
    if not isinstance(transparency, bytes):
        assert np.array_equal(seen(encoded(picture, "GIF", **options)), want)


@pytest.mark.parametrize("name", DECODERS)
def test_decoders_alone_neither_turn_nor_warn(name: str) -> None:
    turned = encoded(soft(9, 14), "JPEG", exif=oriented(6))
    assert find_decoder(name).function(turned).shape == (9, 14, 3)
    picture = PillowImage.fromarray(soft(9, 14)).quantize(32)
    clear = encoded(picture, "PNG", transparency=bytes([0, 128, 255]))
    image = find_decoder(name).function(clear)
    assert np.array_equal(image, np.asarray(picture.convert("RGB")))


def test_transparent_colours_and_gamma_of_png_play_no_part() -> None:
    row = bytes([10, 20, 30, 40, 50, 60])
    extra = [
        chunk(b"gAMA", struct.pack(">I", 20_000)),
        chunk(b"tRNS", struct.pack(">3H", 10, 20, 30)),
    ]
    assert seen(png([row], 2, extra=extra)).ravel().tolist() == list(row)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_the_first_frame_of_an_animation(kind: str) -> None:
    frames = [PillowImage.new("RGB", (12, 9), (n, 0, 0)) for n in (255, 100, 0)]
    options = {"lossless": True} if kind == "WEBP" else {}
    data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    assert np.array_equal(seen(data), np.asarray(frames[0]))


def test_a_malformed_animation_does_not_warn() -> None:
    twice = [chunk(b"acTL", struct.pack(">II", 0, 0))] * 2
    assert seen(png([bytes([1, 2, 3])], 1, extra=twice)).ravel().tolist() == [1, 2, 3]


def test_tiff_tags_that_would_make_pillow_warn_are_left_out() -> None:
    data = grey_tiff(4, 3, t282=(282, 5, 1, 4_000_000), t305=(305, 2, 900, 9_999_999))
    assert seen(data)[2, 3, 0] == 11


@pytest.mark.parametrize("mode", ["F", "I", "LAB"])
def test_pixels_without_a_way_to_rgb_are_refused(mode: str) -> None:
    data = encoded(PillowImage.new(mode, (5, 4)), "TIFF")
    for name in DECODERS:
        with pytest.raises(SampleError, match=f'^"a/b": TIFF with {mode} pixels: .* leave it out$'):
            decode(data, replace(AS_IS, decoder=name), name="a/b")
