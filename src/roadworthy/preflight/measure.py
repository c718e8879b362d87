"""From ramps: which part of a picture a pipeline shows, at which scale, and what lies around it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from roadworthy.preflight.layout import Floats
from roadworthy.preflight.probes.pictures import MAIN, TILT

LEAST = 0.02
"""Share of a side that the frame must show to be measured."""

STRAIGHT = 3.0
"""Levels by which the middle of a ramp may depart from a straight line."""


@dataclass(frozen=True)
class Axis:
    """One axis of the frame: output pixels ``start`` to ``stop`` show the picture.

    ``step`` is how many source pixels one output pixel covers, ``begin`` the source coordinate of
    the left (upper) edge of output pixel 0, both estimates.
    """

    start: int
    stop: int
    step: float
    begin: float


@dataclass(frozen=True)
class Shown:
    """What a frame shows of a grid probe; ``fill`` is the colour around it, None where none is."""

    rows: Axis
    columns: Axis
    fill: tuple[float, ...] | None


def shown_of(frame: Floats, height: int, width: int) -> Shown | str:
    """Return what ``frame``, RGB pixels (h, w, 3), shows of the grid of ``height`` x ``width``; or why not.

    Bars are where the red ramp does not change along a row, or the green one along a column.
    """
    if not np.isfinite(frame).all():
        return "values that are not finite"
    rows = _run(np.ptp(frame[:, :, 0], axis=1) > 1.0)
    columns = _run(np.ptp(frame[:, :, 1], axis=0) > 1.0)
    if rows is None or columns is None:
        return "the ramps of the grid do not come out"
    inside = frame[rows[0] : rows[1], columns[0] : columns[1]]
    x, y = _places(inside)
    across, down = _axis(x.mean(axis=0), columns, width), _axis(y.mean(axis=1), rows, height)
    if isinstance(across, Axis) and isinstance(down, Axis):
        for axis, how in ((across, "left and right"), (down, "top and bottom")):
            if axis.step <= 0:
                return f"{how} are exchanged"
        return Shown(down, across, _fill(frame, rows, columns))
    if isinstance(_axis(x.mean(axis=1), rows, width), Axis):
        return "rows and columns are exchanged"
    return across if isinstance(across, str) else str(down)


def _places(inside: Floats) -> tuple[Floats, Floats]:
    """Solve both ramps for where each pixel was, from 0 at the left (upper) edge to 1."""
    red, green = inside[:, :, 0], inside[:, :, 1]
    size = MAIN * MAIN - TILT * TILT
    return (MAIN * red - TILT * green) / size, (MAIN * green - TILT * red) / size


def _run(good: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> tuple[int, int] | None:
    where = np.flatnonzero(good)
    return (int(where[0]), int(where[-1]) + 1) if len(where) >= 4 else None


def _axis(profile: Floats, place: tuple[int, int], length: int) -> Axis | str:
    """Fit a straight line to a ramp's profile, without its ends, where filters see the edge."""
    n = len(profile)
    margin = max(1, n // 16)
    x = np.arange(margin, n - margin) + place[0] + 0.5
    y = profile[margin : n - margin]
    slope, start = np.polyfit(x, y, 1)
    off = MAIN * float(np.abs(y - slope * x - start).max())
    if abs(slope) * n < LEAST or off > STRAIGHT + 1.5 * MAIN / max(1, length - 1):
        return f"an even ramp comes out uneven, {off:.1f} levels off: no plain scaling"
    return Axis(*place, float(slope * (length - 1)), float(start * (length - 1) + 0.5))


def _fill(
    frame: Floats, rows: tuple[int, int], columns: tuple[int, int]
) -> tuple[float, ...] | None:
    outside = np.ones(frame.shape[:2], bool)
    outside[rows[0] : rows[1], columns[0] : columns[1]] = False
    if not outside.any():
        return None
    around = frame[outside]
    return tuple(map(float, np.median(around, axis=0)))
