"""The file of a part: records in Parquet, with a footer that says what they are and a checksum.

The checksum is CRC-32 over the whole file, taken while its own digits are zeros. It stands in the
footer, so that there is no second file to lose, and covers rows, statistics and footer alike. It
guards against damage, not forgery, and is a small part of what reading a file costs.
"""

from __future__ import annotations

import io
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from roadworthy.engine.records import SCHEMA
from roadworthy.errors import RoadworthyError
from roadworthy.metrics.seen import says_one_thing
from roadworthy.seed import digest

METADATA_KEY = "roadworthy"
MARK = b'"crc32": "'
OLD_MARK = b'"blake2b": "'
DIGITS = 8
COLUMNS = digest(*(f"{name} {dtype}" for name, dtype in SCHEMA.items()), size=8)
IMAGE = ("sample", "content")
"""What says of which image a row is."""
EXACT = (pl.String, pl.Boolean, pl.Int32, pl.Int64)


class DamagedPartError(RoadworthyError):
    """A file among the records is not what was written there."""


@dataclass(frozen=True)
class Part:
    """One file of records: all variants of one request on some samples, or several such parts."""

    path: Path
    request: str
    footer: Mapping[str, Any] = field(compare=False, repr=False)
    stamp: tuple[int, ...] = ()  # changes when the file is replaced

    @cached_property
    def members(self) -> tuple[Mapping[str, Any], ...]:
        """What each part that this file holds said of itself: key, samples, sequence, times."""
        return tuple(self.footer.get("parts") or (self.footer,))

    @cached_property
    def keys(self) -> frozenset[tuple[str, int]]:
        """Key and sequence of each part that this file holds."""
        return frozenset((str(m["key"]), int(m["sequence"])) for m in self.members)

    @property
    def same(self) -> Mapping[str, Any]:
        """What each column says that says the same in every row, as far as that is known."""
        same: Mapping[str, Any] = self.footer.get("same", {})
        return same

    @property
    def standing(self) -> str | None:
        """What two parts share whose rows are of the same images in the same order, if it is known."""
        return self.footer.get("standing")

    @property
    def current(self) -> bool:
        """Whether the file is still the one that was read, as far as its name and times say."""
        try:
            return not self.stamp or stamp_of(self.path) == self.stamp
        except OSError:
            return False

    @property
    def sequence(self) -> int:
        """Number of the newest invocation whose rows it holds."""
        return int(self.footer["sequence"])


def stamp_of(path: Path) -> tuple[int, ...]:
    """Return what changes when a file is replaced; raises FileNotFoundError where it is gone."""
    stat = path.stat()
    return stat.st_ino, stat.st_size, stat.st_mtime_ns


def sealed(rows: pl.DataFrame, footer: Mapping[str, Any]) -> bytes:
    """Return ``rows`` as Parquet bytes with ``footer`` and a checksum of all of it.

    The footer says as well which columns hold one value, so that nobody has to read these, and gives
    a digest of the images, so that those of a part like another need not be looked up again.
    """
    found = {"same": _same(rows), "standing": _standing(rows), "crc32": "0" * DIGITS}
    about = json.dumps({**footer, **found})
    buffer = io.BytesIO()
    rows.write_parquet(buffer, compression="zstd", metadata={METADATA_KEY: about})
    data = bytearray(buffer.getbuffer())
    start = data.rfind(MARK) + len(MARK)
    data[start : start + DIGITS] = checksum(data, start)
    return bytes(data)


def _same(rows: pl.DataFrame) -> dict[str, Any]:
    """Return the columns of one value, nulls included; fractions have no exact text and stay out."""
    if rows.is_empty():
        return {}
    alike = [column for column in rows if says_one_thing(column)]
    return {c.name: c[0] for c in alike if c.dtype in EXACT or c[0] is None}


def _standing(rows: pl.DataFrame) -> str | None:
    if not set(IMAGE) <= set(rows.columns):
        return None
    return digest(len(rows), *(rows[name].cast(pl.String).str.join("\n").item() for name in IMAGE))


def intact(data: bytes) -> bool:
    """Whether the bytes that `sealed` made are still the same."""
    start = data.rfind(MARK) + len(MARK)
    if start < len(MARK):
        return False
    return data[start : start + DIGITS] == checksum(data, start)


def read_part(path: Path, stamp: tuple[int, ...] = ()) -> Part:
    """Read what a part says of itself, having made sure that every byte of it is good.

    Raises DamagedPartError for a file that is cut short, changed, foreign or of other columns, and
    FileNotFoundError for one that is gone.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise DamagedPartError(f"'{path}': {error.strerror or error}") from error
    if not intact(data):
        if data.rfind(OLD_MARK) > data.rfind(MARK):
            raise DamagedPartError(f"'{path}': its checksum is that of an earlier version")
        raise DamagedPartError(f"'{path}': its bytes are not those that were written")
    try:
        footer = json.loads(pl.read_parquet_metadata(io.BytesIO(data))[METADATA_KEY])
        part = Part(path, str(footer["request"]), footer, stamp)
        known = footer["columns"] == COLUMNS and part.keys and part.sequence >= 0
    except Exception as error:  # a file with a checksum of ours, but not written by us
        raise DamagedPartError(f"'{path}': no part of a roadworthy run") from error
    if not known:
        raise DamagedPartError(f"'{path}': its columns are those of another version")
    return part


def checksum(data: bytes | bytearray, start: int) -> bytes:
    """Return the digits that belong at ``start``, which count as zeros."""
    view, found = memoryview(data), 0
    for piece in (view[:start], b"0" * DIGITS, view[start + DIGITS :]):
        found = zlib.crc32(piece, found)
    return f"{found:0{DIGITS}x}".encode()
