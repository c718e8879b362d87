"""Files on disk: what counts as an image, how one is read, how a path becomes an id."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from roadworthy.errors import SampleError, UsageError, did_you_mean
from roadworthy.types import Sample

LARGEST_IMAGE = 1 << 29
"""Bytes; a larger encoded image is refused rather than read."""

EXTENSIONS = frozenset(
    {
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".dib", ".gif", ".webp", ".avif"),
        *(".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm", ".jp2"),
    }
)


def is_image_name(name: str) -> bool:
    """Whether a file of this name is taken for an image; hidden files never are."""
    return not name.startswith(".") and os.path.splitext(name)[1].lower() in EXTENSIONS


def printable(path: str) -> str:
    """Return a path as valid text: bytes that are not UTF-8 are written as ``\\xNN``."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def read_file(sample: Sample) -> bytes:
    """Return the bytes of the file at ``sample.location``; raises SampleError naming both."""
    path = os.fspath(sample.location)
    shown = printable(path)
    try:
        # A named pipe would block for ever on opening, so the kind is asked for first.
        info = os.stat(path)
        if not stat.S_ISREG(info.st_mode):
            raise SampleError(f"{sample.id}: {shown} is not a regular file")
        if info.st_size > LARGEST_IMAGE:
            raise SampleError(
                f"{sample.id}: {shown} holds {info.st_size} bytes; "
                f"images up to {LARGEST_IMAGE} bytes are read"
            )
        with open(path, "rb") as file:
            return file.read(LARGEST_IMAGE)
    except FileNotFoundError:
        raise SampleError(f"{sample.id}: the file {shown} does not exist") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise SampleError(f"{sample.id}: cannot read {shown}: {reason}") from None


def existing(path: str, kind: str, *, folder: bool | None) -> Path:
    """Return ``path`` as a Path if it is there and of the right kind, else raise UsageError.

    ``folder`` is True for a folder, False for a file, None for either; ``kind`` is the reader.
    """
    where = Path(os.path.expanduser(path))
    expected = {True: "a folder", False: "a file", None: "a file or a folder"}[folder]
    try:
        mode = where.stat().st_mode
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(
            f"{kind}:{path}: cannot be opened ({reason}); expected {expected}; "
            f"relative paths start at {Path.cwd()}{_near(where)}"
        ) from None
    found = "a folder" if stat.S_ISDIR(mode) else "a file" if stat.S_ISREG(mode) else "a device"
    if found == "a device" or folder not in (None, found == "a folder"):
        raise UsageError(f"{kind}:{path}: is {found}; expected {expected}")
    return where


def _near(path: Path) -> str:
    try:
        return did_you_mean(path.name, [p.name for p in path.parent.iterdir()])
    except (OSError, ValueError):
        return ""
