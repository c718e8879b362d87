"""What every container reader returns, and the sentences they share."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from roadworthy.errors import SampleError
from roadworthy.pipeline.bounds import spaced

BLOCKS_MAX = 200_000
"""Segments, chunks or blocks in one file: far above any real one, low enough to walk in Python."""

PROFILE_MAX = 16 * 2**20
"""Bytes of a colour profile; those of printers have two or three million."""

AGAIN = "copy the file again or leave it out"


@dataclass(frozen=True)
class Header:
    """A checked file: its format, its size in pixels as stored, and what the stages are given.

    ``pixels`` is the file without metadata that could make a decoder turn, animate or warn;
    ``exif`` is the TIFF-like block with the orientation, ``icc`` the colour profile and
    ``transparency`` the body of a PNG's tRNS chunk; each is empty where there is none. ``sampling``
    is what the frame header of a JPEG says of its components, see `jpeg.layout`.
    """

    format: str
    width: int
    height: int
    pixels: bytes
    exif: bytes = b""
    icc: bytes = b""
    transparency: bytes = b""
    sampling: bytes = b""


def inflated(data: bytes) -> bytes:
    """Return what a zlib stream of a colour profile holds, or nothing where it is broken or huge."""
    stream = zlib.decompressobj()
    try:
        found = stream.decompress(data, PROFILE_MAX)
    except zlib.error:
        return b""
    return found if stream.eof else b""


def truncated(kind: str, missing: str, length: int) -> SampleError:
    """Say that a file of ``length`` bytes stops before ``missing``."""
    return SampleError(f"truncated {kind}: no {missing} after {spaced(length)} bytes; {AGAIN}")


def short(kind: str, needed: int, length: int) -> SampleError:
    """Say that a file has ``length`` of the ``needed`` bytes that its header announces."""
    return SampleError(
        f"truncated {kind}: {spaced(length)} of {spaced(needed)} bytes are there; {AGAIN}"
    )


def damaged(kind: str, what: str) -> SampleError:
    """Say what is wrong inside a file that is complete."""
    return SampleError(f"damaged {kind}: {what}; {AGAIN}")


def counted(kind: str, blocks: int) -> int:
    """Return ``blocks + 1``; raises SampleError once a file has absurdly many of them."""
    if blocks >= BLOCKS_MAX:
        raise damaged(kind, f"more than {spaced(BLOCKS_MAX)} blocks")
    return blocks + 1
