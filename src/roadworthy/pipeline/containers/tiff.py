"""TIFF, and the TIFF-like block of EXIF: one directory of tags."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from roadworthy.errors import SampleError
from roadworthy.pipeline.bounds import spaced
from roadworthy.pipeline.containers.base import (
    BLOCKS_MAX,
    PROFILE_MAX,
    Header,
    damaged,
    truncated,
)

SIGNATURE = (b"II*\0", b"MM\0*")
BIG_SIGNATURE = (b"II+\0", b"MM\0+")
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
_CODES = {1: "B", 3: "H", 4: "L"}
_WIDTH, _HEIGHT, _ORIENTATION, _PROFILE = 256, 257, 274, 34_675
_DATA = ((273, 279), (324, 325))  # offsets and byte counts, of strips and of tiles
_ONCE = {256, 257, 259, 262, 266, 274, 277, 278, 284, 292, 293, 317, 322, 323, 531}
_PIXEL_TAGS = _ONCE - {_ORIENTATION} | {
    *(258, 273, 279, 301, 320, 324, 325, 338, 339, 347, 529, 530, 532)
}


@dataclass(frozen=True)
class Entry:
    """One tag: its code, type, count, where its value lies and the twelve bytes as stored."""

    tag: int
    type: int
    count: int
    offset: int
    raw: bytes

    def values(self, data: bytes, order: str) -> tuple[int, ...]:
        """Return the whole numbers of the tag, or nothing where it holds something else."""
        code = _CODES.get(self.type)
        end = self.offset + self.count * _SIZES.get(self.type, 0)
        if code is None or end > len(data):
            return ()
        return struct.unpack_from(f"{order}{self.count}{code}", data, self.offset)


def directory(data: bytes) -> tuple[str, int, list[Entry]]:
    """Return byte order, position and entries of the first directory, without reading any values.

    Raises struct.error where the directory itself is cut.
    """
    order = "<" if data[:2] == b"II" else ">"
    (start,) = struct.unpack_from(f"{order}L", data, 4)
    (count,) = struct.unpack_from(f"{order}H", data, start)
    entries = []
    for position in range(start + 2, start + 2 + 12 * count, 12):
        tag, kind, number, offset = struct.unpack_from(f"{order}HHLL", data, position)
        if number * _SIZES.get(kind, 0) <= 4:
            offset = position + 8
        entries.append(Entry(tag, kind, number, offset, data[position : position + 12]))
    return order, start, entries


def orientation(exif: bytes) -> int:
    """Return the EXIF orientation 1 to 8 of a TIFF-like block; 1 if it is missing or nonsense."""
    if not exif.startswith(SIGNATURE):
        return 1
    try:
        order, _, entries = directory(exif)
    except struct.error:
        return 1
    for entry in entries:
        if entry.tag == _ORIENTATION and entry.count == 1:
            value = entry.values(exif, order)
            return value[0] if value and 1 <= value[0] <= 8 else 1
    return 1


def inspect(data: bytes) -> Header:
    """Read the size of a TIFF's first picture and see that its strips or tiles are in the file.

    Decoders get the tags that describe pixels and no others: no orientation, which Pillow would
    apply, and nothing that makes it warn. Raises SampleError for a cut or contradictory file.
    """
    if data.startswith(BIG_SIGNATURE):
        raise SampleError("BigTIFF is not read; convert it to PNG or leave it out")
    try:
        order, start, entries = directory(data)
    except struct.error:
        raise truncated("TIFF", "tag directory", len(data)) from None
    kept = [e for e in entries if e.tag in _PIXEL_TAGS]
    tags = {e.tag: e for e in kept}
    _check_entries(data, kept, tags)
    size = [_one(data, order, tags, tag) for tag in (_WIDTH, _HEIGHT)]
    _check_data(data, order, tags)
    own = struct.pack(f"{order}H", len(kept)) + b"".join(e.raw for e in kept) + bytes(4)
    pixels = data[:start] + own + data[start + len(own) :]
    icc = next((e for e in entries if e.tag == _PROFILE and e.type in (1, 7)), None)
    profile = b"" if icc is None else data[icc.offset : icc.offset + min(icc.count, PROFILE_MAX)]
    return Header("TIFF", size[0], size[1], pixels=pixels, exif=data, icc=profile)


def _check_entries(data: bytes, kept: list[Entry], tags: dict[int, Entry]) -> None:
    if len(kept) != len(tags):
        raise damaged("TIFF", "a tag appears twice")
    total = 0
    for entry in kept:
        size = entry.count * _SIZES.get(entry.type, 0)
        total += size
        if size == 0 or entry.count > BLOCKS_MAX or (entry.tag in _ONCE and entry.count != 1):
            raise damaged("TIFF", f"tag {entry.tag} has {spaced(entry.count)} values")
        if entry.offset + size > len(data) or total > len(data):
            raise truncated("TIFF", f"value of tag {entry.tag}", len(data))


def _one(data: bytes, order: str, tags: dict[int, Entry], tag: int) -> int:
    values = tags[tag].values(data, order) if tag in tags else ()
    if not values:
        raise damaged("TIFF", f"no width or height (tag {tag})")
    return values[0]


def _check_data(data: bytes, order: str, tags: dict[int, Entry]) -> None:
    for offsets, counts in _DATA:
        if offsets in tags and counts in tags:
            starts, lengths = (tags[t].values(data, order) for t in (offsets, counts))
            ends = [s + n for s, n in zip(starts, lengths, strict=False)]
            if not ends or max(ends) > len(data):
                raise truncated("TIFF", "complete picture data", len(data))
            return
    raise damaged("TIFF", "no picture data")
