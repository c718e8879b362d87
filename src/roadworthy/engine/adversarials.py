"""What models made of samples, sample by sample, and the bytes that it is kept as."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roadworthy.engine.parts import DIGITS, checksum

MARK = b'\\"crc32\\": \\"'

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Made:
    """What was made of some samples under one name.

    ``arrays`` have one entry for each sample that ``made`` (samples,) marks; of the others nothing
    was made. Of an attack it is ``x``, the inputs (marked, 3, H, W). ``columns`` have an entry a
    sample of what was spent on it, and ``target``, None for untargeted attacks, the output that each
    was to be taken for.
    """

    arrays: Arrays
    made: NDArray[np.bool_]
    columns: Mapping[str, Any]
    target: NDArray[np.int64] | None = None

    @property
    def x(self) -> NDArray[np.float32]:
        """The inputs that an attack made, (marked, 3, H, W)."""
        return self.arrays["x"]

    def at(self, row: int) -> Made:
        """Return what was made of one sample."""
        start = int(self.made[:row].sum())
        end = start + int(self.made[row])
        return Made(
            {name: values[start:end] for name, values in self.arrays.items()},
            self.made[row : row + 1],
            {name: values[row : row + 1] for name, values in self.columns.items()},
            None if self.target is None else self.target[row : row + 1],
        )

    @staticmethod
    def joined(parts: Sequence[Made]) -> Made:
        """Return what was made of several lots of samples, of which there is at least one."""
        targets = [part.target for part in parts if part.target is not None]
        names = dict.fromkeys(name for part in parts for name in part.columns)
        # Lots of which nothing was made do not know of what shape it would have been.
        some = [part for part in parts if part.made.any()] or list(parts[:1])
        return Made(
            {name: np.concatenate([p.arrays[name] for p in some]) for name in some[0].arrays},
            np.concatenate([part.made for part in parts]),
            {name: _column([(p.columns.get(name), len(p.made)) for p in parts]) for name in names},
            np.concatenate(targets) if targets else None,
        )


def sealed(tensors: Sequence[NDArray[Any]], about: Mapping[str, Any]) -> bytes:
    """Return tensors as safetensors bytes, with ``about`` and a checksum of all of it inside."""
    from safetensors.numpy import save

    said = json.dumps({**about, "crc32": "0" * DIGITS})
    named = {f"{number:04d}": np.ascontiguousarray(x) for number, x in enumerate(tensors)}
    data = bytearray(save(named, metadata={"roadworthy": said}))
    start = data.rindex(MARK, 0, header_of(data)) + len(MARK)
    data[start : start + DIGITS] = checksum(data, start)
    return bytes(data)


def intact(data: bytes) -> bool:
    """Whether the bytes that `sealed` made are still the same."""
    start = data.rfind(MARK, 0, header_of(data)) + len(MARK)
    if start < len(MARK):
        return False
    return data[start : start + DIGITS] == checksum(data, start)


def header_of(data: bytes | bytearray) -> int:
    """Return where the tensors of safetensors bytes begin."""
    return 8 + int.from_bytes(data[:8], "little")


def ordered(tensors: Arrays) -> list[NDArray[Any]]:
    """Return the tensors of `sealed` bytes as they were given."""
    return [tensors[name] for name in sorted(tensors)]


def listed(value: Any) -> tuple[str, list[Any]]:
    """Return a column as it is written: the type of its numbers, empty for a list, and its values."""
    if isinstance(value, np.ndarray):
        return str(value.dtype), value.tolist()
    return "", list(value)


def _column(parts: Sequence[tuple[Any, int]]) -> Any:
    """Join a column of several lots; where a lot has none its samples have nothing there."""
    if all(isinstance(values, np.ndarray) for values, _ in parts):
        return np.concatenate([values for values, _ in parts])
    lists = [[None] * count if values is None else list(values) for values, count in parts]
    return [value for part in lists for value in part]


def array_of(dtype: str, values: list[Any]) -> Any:
    """Return a column that `listed` has written."""
    return np.array(values, dtype) if dtype else values
