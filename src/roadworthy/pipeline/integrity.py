"""Is this a whole, sane image? Asked of the bytes, before any decoder sees them."""

from __future__ import annotations

from collections.abc import Callable

from roadworthy.errors import SampleError
from roadworthy.pipeline.bounds import ENCODED_MAX, max_pixels, spaced
from roadworthy.pipeline.containers import bmp, gif, jpeg, png, ppm, tiff, webp
from roadworthy.pipeline.containers.base import Header, damaged

_READERS: tuple[tuple[bytes | tuple[bytes, ...], Callable[[bytes], Header]], ...] = (
    (jpeg.SIGNATURE, jpeg.inspect),
    (png.SIGNATURE, png.inspect),
    (gif.SIGNATURE, gif.inspect),
    (tiff.SIGNATURE + tiff.BIG_SIGNATURE, tiff.inspect),
    (bmp.SIGNATURE, bmp.inspect),
)
_OTHERS: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "a PDF"),
    (b"PK\x03\x04", "a zip archive"),
    (b"\x1f\x8b", "a gzip file"),
    (b"\x93NUMPY", "a NumPy array (use `arrays:`)"),
    (b"8BPS", "a Photoshop file"),
    (b"version https://git-lfs", "a Git LFS pointer (run `git lfs pull`)"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\x00\x00\x00\x0cJXL ", "JPEG XL"),
    (b"\x00\x00\x00\x0cjP", "JPEG 2000"),
)
ALLOWED = "JPEG, PNG, WebP, GIF, BMP, TIFF and PPM are read"


def quoted(name: str) -> str:
    """Return ``name`` in quotes with control characters escaped, fit for any terminal."""
    return '"' + "".join(c if c.isprintable() else ascii(c)[1:-1] for c in name) + '"'


def check(data: bytes, *, name: str) -> Header:
    """Return format, width and height of an encoded image, having made sure that it is complete.

    Raises SampleError that begins with ``name`` for an empty, foreign, truncated or oversized file:
    above 256 MiB encoded, or above 89 478 485 pixels (``ROADWORTHY_MAX_PIXELS`` raises that).
    """
    try:
        return _check(data)
    except SampleError as error:
        raise SampleError(f"{quoted(name)}: {error}") from None


def _check(data: bytes) -> Header:
    if not data:
        raise SampleError("the file is empty; copy it again or leave it out")
    if len(data) > ENCODED_MAX:
        raise SampleError(
            f"{spaced(len(data))} bytes, above the bound of {spaced(ENCODED_MAX)}; "
            f"make the image smaller or leave it out"
        )
    header = _reader(data)(data)
    pixels = header.width * header.height
    if not pixels:
        raise damaged(header.format, f"{header.width} x {header.height} pixels")
    if pixels > max_pixels():
        raise SampleError(
            f"{header.format} of {spaced(header.width)} x {spaced(header.height)} pixels, above "
            f"the bound of {spaced(max_pixels())}: perhaps a decompression bomb; leave it out, or "
            f"set ROADWORTHY_MAX_PIXELS if you trust it"
        )
    return header


def _reader(data: bytes) -> Callable[[bytes], Header]:
    for signature, inspect in _READERS:
        if data.startswith(signature):
            return inspect
    if data.startswith(webp.SIGNATURE) and data[8:12] == b"WEBP":
        return webp.inspect
    if data.startswith(ppm.SIGNATURE) and (data[2:3].isspace() or data[2:3] == b"#"):
        return ppm.inspect
    raise SampleError(
        f"not an image: {_looks_like(data)}; {ALLOWED}, so convert it or leave it out"
    )


def _looks_like(data: bytes) -> str:
    head = data[:64]
    for signature, what in _OTHERS:
        if head.startswith(signature):
            return f"it looks like {what}"
    if head[4:8] == b"ftyp":
        return f"it looks like {head[8:12].decode('latin-1').upper()} (HEIC, AVIF or video)"
    start = data[:512].lstrip().lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return "it looks like an HTML page, perhaps the error page of a failed download"
    if b"<svg" in start:
        return "it looks like an SVG drawing"
    first = head[:16].decode("latin-1")
    if first.isascii() and all(c.isprintable() or c.isspace() for c in first):
        return f"it looks like text starting with {first!r}"
    return f"it starts with the bytes {head[:8].hex(' ')}"
