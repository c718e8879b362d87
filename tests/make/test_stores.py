"""Formats: what a reader of the stored file gets."""

from __future__ import annotations

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Pillow

from roadworthy import SampleError, UsageError
from roadworthy.stores import store

RNG = np.random.default_rng(0)
SHAPES = ((1, 1), (8, 9), (33, 47), (64, 64), (17, 224))


def picture(height: int, width: int) -> NDArray[np.uint8]:
    return RNG.integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("quality", [10, 85, 100])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_fast_jpeg_gives_the_pixels_of_the_published_file(
    shape: tuple[int, int], quality: int
) -> None:
    image, kept = picture(*shape), store(f"jpeg(quality={quality})")
    buffer = io.BytesIO()
    Pillow.fromarray(image).save(buffer, "JPEG", quality=quality, optimize=True)
    expected = np.asarray(Pillow.open(io.BytesIO(buffer.getvalue())).convert("RGB"))
    assert kept.encode([image], False) == buffer.getvalue()
    assert np.array_equal(kept.frame(image), expected)
    assert np.array_equal(kept.decode(buffer.getvalue())[0], expected)
    assert image.size < 4 or not np.array_equal(expected, image)


def test_noise_loses_its_colour_as_in_the_published_files() -> None:
    noise = np.clip(127 + RNG.normal(0, 30, (224, 224, 3)), 0, 255).astype(np.uint8)
    ratio = store("jpeg").frame(noise).std() / noise.std()
    assert 0.70 < ratio < 0.80  # 22.7 of 30.6 by measurement of the published files


@pytest.mark.parametrize("name", ["png", "npy"])
def test_lossless_formats_return_every_pixel(name: str) -> None:
    image, kept = picture(5, 9), store(name)
    assert kept.lossless
    assert np.array_equal(kept.decode(kept.encode([image], False))[0], image)
    assert np.array_equal(kept.frame(image), image)


def test_films_keep_colour_order_length_and_size_and_are_lossy() -> None:
    pytest.importorskip("av")
    kept = store("mp4(crf=10, preset=ultrafast)")
    still = np.zeros((33, 47, 3), np.uint8)
    still[:, :20, 0], still[:16, 20:, 2] = 200, 220
    frames = [np.roll(still, step, axis=1) for step in range(6)]
    film = np.stack(kept.sequence(frames, noise=False)).astype(int)
    difference = np.abs(film - np.stack(frames))
    assert film.shape == (6, 33, 47, 3)
    assert 0 < difference.mean() < 6
    assert kept.encode(frames, False) == kept.encode(frames, False)
    assert kept.encode(frames, True) != kept.encode(frames, False)


@pytest.mark.parametrize("name", ["png", "jpeg", "npy", "mp4"])
@pytest.mark.parametrize("data", [b"", b"not a file", b"\x93NUMPY\x01\x00", b"\x89PNG\r\n\x1a\n"])
def test_damaged_files_are_named_as_such(name: str, data: bytes) -> None:
    if name == "mp4":
        pytest.importorskip("av")
    with pytest.raises(SampleError, match=r"cannot be read|is empty"):
        store(name).decode(data)


def test_objects_are_never_unpickled() -> None:
    buffer = io.BytesIO()
    np.save(buffer, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(SampleError, match="cannot be read"):
        store("npy").decode(buffer.getvalue())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("jpg", "did you mean 'jpeg'"),
        ("jpeg(quality=0)", "quality is 1 to 100"),
        ("mp4(crf=52)", "crf is 0"),
        ("png:x", "takes no path"),
        ("jpeg(crf=3)", "no parameter 'crf'"),
    ],
)
def test_senseless_stores_are_refused(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        store(text)


def test_a_film_without_its_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    with pytest.raises(UsageError, match=r"pip install 'roadworthy\[video\]'"):
        store("mp4")


def test_a_picture_too_long_for_jpeg_is_a_failed_sample() -> None:
    with pytest.raises(SampleError, match="65500"):
        store("jpeg").frame(np.zeros((1, 65_501, 3), np.uint8))
