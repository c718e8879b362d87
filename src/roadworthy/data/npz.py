"""Arrays inside an .npz file: headers first, bounded, never unpickled."""

from __future__ import annotations

import math
import os
import warnings
import zipfile
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from roadworthy.errors import UsageError

LARGEST_ARRAY = 1 << 32  # bytes

_UNREADABLE = (zipfile.BadZipFile, zlib.error, OSError, ValueError, EOFError, RuntimeError)


@dataclass(frozen=True)
class Member:
    """What the header of one array says."""

    name: str
    shape: tuple[int, ...]
    dtype: str


def members(path: str | os.PathLike[str], spec: str) -> dict[str, Member]:
    """Return the arrays of an .npz file by name; raises UsageError where it is none."""
    found = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for entry in archive.namelist():
                if entry.endswith(".npy"):
                    found[entry[:-4]] = _header(archive, entry)
    except NotImplementedError as error:  # a compression method of another program
        raise UsageError(f"{spec}: {error}; expected a file by numpy.savez") from None
    except _UNREADABLE as error:
        raise UsageError(
            f"{spec}: not a readable .npz file ({error}); expected a file by "
            f"numpy.savez(FILE, images=…, labels=…)"
        ) from None
    return found


def load_member(path: str | os.PathLike[str], name: str, spec: str) -> NDArray[Any]:
    """Return one array; raises UsageError for objects, for more than 4 GiB and for damage."""
    check_size(members(path, spec)[name], spec)
    try:
        with np.load(path, allow_pickle=False) as archive:
            array: NDArray[Any] = archive[name]
            return array
    except (*_UNREADABLE, MemoryError) as error:
        raise UsageError(f"{spec}: the array '{name}' cannot be read: {error}") from None


def check_size(member: Member, spec: str) -> None:
    """Raise UsageError where an array is larger than is ever loaded."""
    size = math.prod(member.shape) * np.dtype(member.dtype).itemsize
    if size > LARGEST_ARRAY:
        raise UsageError(
            f"{spec}: the array '{member.name}' {member.shape} takes {size} bytes; expected at "
            f"most {LARGEST_ARRAY}; split the file, or keep the images in a Parquet file or a folder"
        )


def _header(archive: zipfile.ZipFile, entry: str) -> Member:
    with archive.open(entry) as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # old files of Python 2 are read all the same
        version = npy.read_magic(file)
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, _, dtype = read(file)
    if dtype.hasobject:
        raise ValueError(f"'{entry[:-4]}' holds Python objects, which are never unpickled")
    if dtype.names:
        raise ValueError(f"'{entry[:-4]}' holds records, not numbers")
    simple = dtype.str if dtype.kind in "US" else dtype.name
    return Member(entry[:-4], tuple(int(n) for n in shape), simple)
