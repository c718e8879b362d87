"""WebP: the RIFF length, and the canvas from the first chunk."""

from __future__ import annotations

from roadworthy.pipeline.containers.base import Header, counted, damaged, short, truncated

SIGNATURE = b"RIFF"  # and WEBP at byte 8


def inspect(data: bytes) -> Header:
    """Read the canvas of a WebP and compare its RIFF length; raises SampleError if it is cut."""
    if len(data) < 30:
        raise truncated("WebP", "header", len(data))
    needed = 8 + int.from_bytes(data[4:8], "little")
    if needed > len(data):
        raise short("WebP", needed, len(data))
    kind = data[12:16]
    if kind == b"VP8X":
        width = 1 + int.from_bytes(data[24:27], "little")
        height = 1 + int.from_bytes(data[27:30], "little")
    elif kind == b"VP8 ":
        width = int.from_bytes(data[26:28], "little") & 0x3FFF
        height = int.from_bytes(data[28:30], "little") & 0x3FFF
    elif kind == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        width, height = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    else:
        raise damaged("WebP", f"it starts with an unknown chunk {kind!r}")
    whole = data[:needed]
    exif = _chunk(whole, b"EXIF").removeprefix(b"Exif\0\0")
    return Header("WebP", width, height, pixels=whole, exif=exif, icc=_chunk(whole, b"ICCP"))


def _chunk(data: bytes, kind: bytes) -> bytes:
    position, chunks = 12, 0
    while position + 8 <= len(data):
        chunks = counted("WebP", chunks)
        length = int.from_bytes(data[position + 4 : position + 8], "little")
        if data[position : position + 4] == kind:
            return data[position + 8 : position + 8 + length]
        position += 8 + length + length % 2
    return b""
