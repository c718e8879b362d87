"""One way to fit one picture to the frame: a part of it, the size that gets, and where the frame lies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from math import ceil, floor

import numpy as np

from roadworthy.pipeline.stages import find_resizer
from roadworthy.preflight.measure import Axis, Shown
from roadworthy.types import Image

CLEAR = 0.12
"""Output pixels within which a measured number is taken for the whole one beside it."""

MOST = 6
"""Windows that are tried for one picture at most, the likeliest first."""


@dataclass(frozen=True)
class Side:
    """One axis: ``length`` pixels from ``begin`` become ``target``; the frame starts at ``offset``."""

    begin: int
    length: int
    target: int
    offset: int


@dataclass(frozen=True)
class Window:
    """Both axes, the frame (H, W), and the colour around the picture where that does not fill it."""

    rows: Side
    columns: Side
    size: tuple[int, int]
    fill: tuple[int, ...] = (0, 0, 0)

    @property
    def resizes(self) -> bool:
        """Whether anything is resized at all."""
        return any(side.length != side.target for side in (self.rows, self.columns))

    def framed(self, resized: Image) -> Image:
        """Return the frame of what the part was resized to, (h, w, 3)."""
        if resized.shape[:2] == self.size and not (self.rows.offset or self.columns.offset):
            return resized
        frame = np.empty((*self.size, 3), resized.dtype)
        frame[:] = self.fill
        places = [
            (slice(max(0, -side.offset), max(0, -side.offset) + count), slice(first, first + count))
            for side, first, count in self._kept(resized)
        ]
        (to_row, from_row), (to_column, from_column) = places
        frame[to_row, to_column] = resized[from_row, from_column]
        return frame

    def _kept(self, resized: Image) -> Iterator[tuple[Side, int, int]]:
        for side, have, want in zip(
            (self.rows, self.columns), resized.shape[:2], self.size, strict=True
        ):
            first = max(0, side.offset)
            yield side, first, min(have - first, want - max(0, -side.offset))


def scaled(picture: Image, size: tuple[int, int], resizer: str) -> Image:
    """Return ``picture`` resized to ``size``, or as it is where it has that size."""
    if picture.shape[:2] == size:
        return picture
    family, kernel = find_resizer(resizer)
    result: Image = family.function(np.ascontiguousarray(picture), size, kernel)
    return result


def windows(
    shown: Shown, height: int, width: int, size: tuple[int, int], *, part: bool
) -> list[Window]:
    """Return the windows that fit what was measured, the likeliest first.

    They resize the whole picture, or with ``part`` only what the frame shows of it.
    """
    fill = tuple(round(min(255.0, max(0.0, f))) for f in shown.fill or (0.0, 0.0, 0.0))
    kind = _part if part else _whole
    rows, columns = kind(shown.rows, height), kind(shown.columns, width)
    pairs = sorted(product(rows, columns), key=lambda pair: pair[0][0] + pair[1][0])
    if height == width and size[0] == size[1]:
        pairs = [(r, c) for r, c in pairs if r[1] == c[1]] or pairs  # a square stays one
    return [Window(r, c, size, fill) for (_, r), (_, c) in pairs[:MOST]]


def _whole(axis: Axis, length: int) -> list[tuple[float, Side]]:
    """Resize all, then crop: the target and the offset are whole numbers.

    Filters that sample off the centre of a pixel shift the picture by up to half an output pixel.
    """
    said, start = length / axis.step, axis.begin / axis.step
    targets = _around(said, 0.0)
    offsets = dict.fromkeys([*_around(start, 0.0), *_around(start, 0.5)])
    return [
        (abs(t - said) + abs(o - start), Side(0, length, t, o)) for t in targets for o in offsets
    ]


def _around(value: float, shift: float) -> list[int]:
    """Return the whole number at ``value + shift``, or both beside it where that is not clear."""
    value += shift
    near = round(value)
    return [near] if abs(value - near) < CLEAR else [floor(value), ceil(value)]


def _part(axis: Axis, length: int) -> list[tuple[float, Side]]:
    """Cut a part of whole pixels out, then resize it to all of the frame that shows the picture."""
    count = axis.stop - axis.start
    begin, long = axis.begin + axis.step * axis.start, axis.step * count
    slack = 0.75 + 0.5 * max(1.0, axis.step)
    found = []
    for first in range(max(0, ceil(begin - 0.75)), floor(begin + slack) + 1):
        for kept in range(max(1, ceil(long - 0.75)), floor(long + 0.75) + 1):
            if first + kept <= length:
                far = abs(first - begin) + abs(kept - long)
                found.append((far, Side(first, kept, count, -axis.start)))
    return found
