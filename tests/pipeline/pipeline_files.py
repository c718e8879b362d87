"""Makers of small encoded images, healthy and not."""

from __future__ import annotations

import io
import resource
import struct
import sys
import zlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
from PIL import Image as PillowImage

from roadworthy.pipeline.base import Pipeline, decode
from roadworthy.pipeline.probe import pattern
from roadworthy.types import Image

AS_IS = Pipeline(None)
DECODERS = ("pillow", "opencv")


def seen(data: bytes, pipeline: Pipeline = AS_IS) -> Image:
    """Decode with both decoders, make sure that they agree, and return what they see."""
    first, second = (decode(data, replace(pipeline, decoder=d), name="x") for d in DECODERS)
    assert first.dtype == np.uint8
    assert np.array_equal(first, second)
    return first


def soft(height: int, width: int) -> Image:
    """Return a picture that chroma subsampling and JPEG treat kindly, but that has no symmetry."""
    small = PillowImage.fromarray(pattern(5, 7)).resize((width, height), PillowImage.Resampling(2))
    return np.asarray(small)


def encoded(image: Image | PillowImage.Image, kind: str, **options: Any) -> bytes:
    """Encode with Pillow."""
    picture = PillowImage.fromarray(image) if isinstance(image, np.ndarray) else image
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def oriented(value: int) -> PillowImage.Exif:
    """Return an EXIF block that holds one orientation."""
    exif = PillowImage.Exif()
    exif[274] = value
    return exif


def chunk(kind: bytes, body: bytes) -> bytes:
    """Return one PNG chunk with its checksum."""
    checksum = zlib.crc32(kind + body)
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", checksum)


def png(
    rows: Sequence[bytes],
    width: int,
    *,
    bits: int = 8,
    colour: int = 2,
    extra: Sequence[bytes] = (),
    height: int | None = None,
) -> bytes:
    """Return a PNG of raw rows, with any chunks between header and pixels."""
    header = struct.pack(">IIBBBBB", width, height or len(rows), bits, colour, 0, 0, 0)
    body = zlib.compress(b"".join(b"\0" + row for row in rows))
    parts = [chunk(b"IHDR", header), *extra, chunk(b"IDAT", body), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def tiff(tags: Sequence[tuple[int, int, int, int]], pixels: bytes, order: str = "<") -> bytes:
    """Return a TIFF of (tag, type, count, value) entries; the pixels start at byte 8."""
    mark = b"II*\0" if order == "<" else b"MM\0*"
    start = 8 + len(pixels)
    data = mark + struct.pack(f"{order}L", start) + pixels + struct.pack(f"{order}H", len(tags))
    for tag, kind, count, value in tags:
        short = kind == 3 and count == 1
        data += struct.pack(f"{order}HHL", tag, kind, count)
        data += struct.pack(f"{order}HH", value, 0) if short else struct.pack(f"{order}L", value)
    return data + bytes(4)


def grey_tiff(width: int, height: int, **changes: tuple[int, int, int, int]) -> bytes:
    """Return an 8-bit grey TIFF of one strip; ``t256=(256, 4, 1, 9)`` replaces or adds a tag."""
    tags = {
        "t256": (256, 4, 1, width),
        "t257": (257, 4, 1, height),
        "t258": (258, 3, 1, 8),
        "t259": (259, 3, 1, 1),
        "t262": (262, 3, 1, 1),
        "t273": (273, 4, 1, 8),
        "t277": (277, 3, 1, 1),
        "t278": (278, 4, 1, height),
        "t279": (279, 4, 1, width * height),
    } | changes
    pixels = bytes(n % 256 for n in range(width * height))
    return tiff(sorted(tags.values()), pixels)


def thumbnailed() -> bytes:
    """Return a JPEG whose EXIF holds a whole JPEG, end-of-image marker included."""
    inner, outer = encoded(soft(8, 8), "JPEG"), encoded(soft(19, 23), "JPEG")
    body = b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0" + inner
    return outer[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + outer[2:]


SMALL = {
    "jpeg": encoded(soft(19, 23), "JPEG"),
    "progressive": encoded(soft(19, 23), "JPEG", progressive=True),
    "restarts": encoded(soft(19, 23), "JPEG", restart_marker_blocks=1),
    "thumbnail": thumbnailed(),
    "png": encoded(soft(19, 23), "PNG", exif=oriented(6)),
    "webp": encoded(soft(19, 23), "WEBP"),
    "webp_lossless": encoded(soft(19, 23), "WEBP", lossless=True, exif=oriented(6)),
    "gif": encoded(PillowImage.fromarray(soft(19, 23)).quantize(16), "GIF"),
    "bmp": encoded(soft(19, 23), "BMP"),
    "tiff": encoded(soft(9, 13), "TIFF"),
    "tiff_lzw": encoded(soft(9, 13), "TIFF", compression="tiff_lzw"),
    "ppm": encoded(soft(9, 13), "PPM"),
    "pgm": encoded(PillowImage.fromarray(soft(9, 13)).convert("L"), "PPM"),
    "pbm": encoded(PillowImage.fromarray(soft(9, 13)).convert("1"), "PPM"),
}


def jpegs(image: Image) -> dict[str, bytes]:
    """Return ``image`` as JPEGs of every chroma layout, by name: 444, 422, 420, 440, 411, grey."""
    found = {"444": encoded(image, "JPEG", subsampling=0, quality=90)}
    found["422"] = encoded(image, "JPEG", subsampling=1, quality=90)
    found["420"] = encoded(image, "JPEG", subsampling=2, quality=90)
    for name, layout in (("440", cv2.IMWRITE_JPEG_SAMPLING_FACTOR_440), ("411", 0x411111)):
        options = [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, layout, cv2.IMWRITE_JPEG_QUALITY, 90]
        found[name] = cv2.imencode(".jpg", np.ascontiguousarray(image[:, :, ::-1]), options)[
            1
        ].tobytes()
    found["grey"] = encoded(PillowImage.fromarray(image).convert("L"), "JPEG", quality=90)
    found["progressive"] = encoded(image, "JPEG", subsampling=2, quality=90, progressive=True)
    return found


INTERESTING = (0, 1, 0x7F, 0x80, 0xFF)


def mutated(seeds: Sequence[bytes], rng: np.random.Generator) -> bytes:
    """Return a seed file with bits flipped, bytes replaced, cut, spliced, or its header edited."""
    data = bytearray(seeds[int(rng.integers(len(seeds)))])
    for _ in range(int(rng.integers(1, 4))):
        if len(data) < 8:
            break
        where = int(rng.integers(len(data)))
        match int(rng.integers(7)):
            case 0:
                data[where] ^= 1 << int(rng.integers(8))
            case 1:
                data[where : where + 4] = rng.bytes(4)
            case 2:
                del data[where:]
            case 3:
                del data[where : where + int(rng.integers(1, 40))]
            case 4:
                other = seeds[int(rng.integers(len(seeds)))]
                start = int(rng.integers(len(other)))
                data[where:where] = other[start : start + int(rng.integers(1, 200))]
            case 5:  # sizes, counts and chunk lengths live in the first bytes
                data[where % min(64, len(data))] = INTERESTING[rng.integers(len(INTERESTING))]
            case _:
                data[where:] = rng.bytes(int(rng.integers(0, 64)))
    return bytes(data)


def peak_memory() -> int:
    """Return the most bytes that this process has had in memory."""
    scale = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale
