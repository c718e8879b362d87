"""JPEG: segments up to the first scan, then the end-of-image marker."""

from __future__ import annotations

import re
from functools import lru_cache

from roadworthy.pipeline.containers.base import Header, counted, damaged, truncated

SIGNATURE = b"\xff\xd8\xff"
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_EOI, _SOI, _SOS, _APP1, _APP2 = 0xD9, 0xD8, 0xDA, 0xE1, 0xE2
_KEPT_APPS = {0xE0, 0xEE}  # JFIF and Adobe: both say how colours are coded
_METADATA = (set(range(0xE0, 0xF0)) - _KEPT_APPS) | {0xFE}
_ALONE = {0x01, *range(0xD0, 0xD8)}
_SCANS_MAX = 500

_MARKER = re.compile(rb"\xff[\x01-\xfe]")

# Inside a scan 0xFF comes before a stuffed zero, a restart marker or a fill byte; all else ends it.
_END_OF_SCAN = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")


def inspect(data: bytes) -> Header:
    """Read the size of a JPEG and make sure that it is complete; raises SampleError if not.

    An end-of-image marker inside an EXIF thumbnail does not count, bytes after the picture do not
    matter, and every scan of a progressive file is followed to its end.
    """
    view = memoryview(data)
    kept, exif, icc, size, sampling = [], b"", [], None, b""
    position, begin, segments = 2, 0, 0  # what is kept from ``begin`` on is not copied yet
    while True:
        segments = counted("JPEG", segments)
        marker, start = _next_marker(data, position)
        if start != position or marker in _ALONE:
            kept.append(view[begin:position])
            begin = start
        if marker in _ALONE:
            begin = position = start + 2
            continue
        if marker in (_EOI, _SOI):
            raise damaged("JPEG", "it ends before any picture data")
        position = _segment_end(data, start)
        if marker in _FRAMES:
            if size is not None:
                raise damaged("JPEG", "two frame headers")
            size, sampling = _size(data, start), _sampling(data, start)
        if marker == _SOS:
            break
        if marker == _APP1 and data.startswith(b"Exif\0\0", start + 4) and not exif:
            exif = data[start + 10 : position]
        if marker == _APP2 and data.startswith(b"ICC_PROFILE\0", start + 4):
            icc.append(data[start + 16 : position])
        if marker in _METADATA:
            kept.append(view[begin:start])
            begin = position
    if size is None:
        raise damaged("JPEG", "no frame header before the first scan")
    kept.append(view[begin : _end_of_image(data, position)])
    whole = len(kept) == 1 and len(kept[0]) == len(data)
    pixels = data if whole else b"".join(kept)
    return Header("JPEG", *size, pixels=pixels, exif=exif, icc=_joined(icc), sampling=sampling)


def _joined(pieces: list[bytes]) -> bytes:
    """Join the pieces of a profile, each behind its number from 1 on and their count."""
    ordered = sorted(piece for piece in pieces if len(piece) > 2)
    if [piece[0] for piece in ordered] != list(range(1, len(pieces) + 1)):
        return b""
    return b"".join(piece[2:] for piece in ordered)


_LAYOUTS = {(1, 1): "4:4:4", (2, 1): "4:2:2", (2, 2): "4:2:0", (1, 2): "4:4:0", (4, 1): "4:1:1"}


def chroma(data: bytes) -> str:
    """Return how a JPEG stores colour: ``4:2:0`` and the like, ``grey``, ``CMYK`` or ``other``.

    The bytes have passed `inspect`. Chroma of 4:2:0 has half of the rows and columns, so that
    decoders differ in how they fill in the rest.
    """
    position = 2
    while True:
        marker, start = _next_marker(data, position)
        if marker in _FRAMES:
            break
        position = start + 2 if marker in _ALONE else _segment_end(data, start)
    return layout(_sampling(data, start))


@lru_cache(maxsize=256)
def layout(sampling: bytes) -> str:
    """Return how colour is stored, see `chroma`, by the components of a frame header and their count."""
    count = sampling[0]
    if count != 3:
        return {1: "grey", 4: "CMYK"}.get(count, "other")
    (across, down), *others = [divmod(sampling[2 + 3 * k], 16) for k in range(3)]
    if others != [(1, 1), (1, 1)]:
        same = others[0] == others[1] and not (across % others[0][0] or down % others[0][1])
        if not same:
            return "other"
        across, down = across // others[0][0], down // others[0][1]
    return _LAYOUTS.get((across, down), "other")


def _sampling(data: bytes, start: int) -> bytes:
    return data[start + 9 : start + 19]


def _next_marker(data: bytes, position: int) -> tuple[int, int]:
    found = _MARKER.search(data, position)  # stray bytes in between are skipped, as libjpeg does
    if found is None:
        raise truncated("JPEG", "picture data", len(data))
    return data[found.start() + 1], found.start()


def _segment_end(data: bytes, start: int) -> int:
    length = int.from_bytes(data[start + 2 : start + 4], "big")
    if start + 4 > len(data) or start + 2 + length > len(data):
        raise truncated("JPEG", "end-of-image marker", len(data))
    if length < 2:
        raise damaged("JPEG", f"a segment of {length} bytes")
    return start + 2 + length


def _size(data: bytes, start: int) -> tuple[int, int]:
    height = int.from_bytes(data[start + 5 : start + 7], "big")
    width = int.from_bytes(data[start + 7 : start + 9], "big")
    return width, height


def _end_of_image(data: bytes, position: int) -> int:
    for _ in range(_SCANS_MAX):
        found = _END_OF_SCAN.search(data, position)
        if found is None:
            raise truncated("JPEG", "end-of-image marker", len(data))
        marker = data[found.start() + 1]
        if marker == _EOI:
            return found.end()
        if marker == _SOI:
            raise damaged("JPEG", "another picture starts before this one ends")
        position = found.end() if marker in _ALONE else _segment_end(data, found.start())
    raise damaged("JPEG", f"more than {_SCANS_MAX} scans")
