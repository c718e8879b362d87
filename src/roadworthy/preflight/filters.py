"""Which resizer made the grids that a pipeline shows."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from roadworthy.errors import RoadworthyError
from roadworthy.pipeline.backend import require
from roadworthy.pipeline.stages import find_resizer, resizer_names
from roadworthy.preflight.match import APART, Match
from roadworthy.preflight.measure import Shown, shown_of
from roadworthy.preflight.probes.base import SQUARES, probes
from roadworthy.preflight.reading import Reading
from roadworthy.preflight.window import Window, scaled, windows
from roadworthy.types import Image

EVEN = 0.04
"""How near to its own size a square may stay before rounding hides by how much it is scaled."""

CLEAR = 1.2
"""Smallest factor of reduction, or of enlargement, by which filters are told apart first."""


@dataclass(frozen=True)
class Square:
    """A square probe, what is shown of it, and the windows that may explain that."""

    name: str
    side: int
    shown: Shown
    size: tuple[int, int]

    def windows(self, *, part: bool) -> list[Window]:
        """Return what may have been done to the square as a whole, or to a part of it."""
        return windows(self.shown, self.side, self.side, self.size, part=part)

    @property
    def reduction(self) -> float:
        """By how much it is made smaller."""
        return min(self.shown.rows.step, self.shown.columns.step)


@dataclass(frozen=True)
class Filtered:
    """A resizer that explains all squares: how well, and by which window each."""

    resizer: str
    match: Match
    windows: dict[str, Window]


def squares(reading: Reading) -> list[Square] | str:
    """Measure the square probes; or say why that cannot be done."""
    if reading.scale.colour == "grey":
        return (
            "all channels hold one grey picture, in which the ramps of a grid cannot be told apart"
        )
    found = []
    for side in SQUARES:
        name = f"square_{side}"
        frame = reading.rgb(name)
        if frame is None:
            continue
        shown = shown_of(frame, side, side)
        if isinstance(shown, str):
            return shown
        found.append(Square(name, side, shown, (frame.shape[0], frame.shape[1])))
    telling = [s for s in found if abs(s.reduction - 1) > EVEN]
    return telling or found or "no square picture was answered"


def filters(reading: Reading, found: Sequence[Square]) -> list[Filtered]:
    """Return the resizers that explain every square, the best first.

    Those that other arithmetic for the same filter would explain are kept only if none is equal.
    """
    quick = [name for name in resizer_names() if _is_loaded(name)]
    ranked: list[Filtered] = []
    for part in (False, True):
        fitting = {s: s.windows(part=part) for s in sorted(found, key=_telling)}
        ranked += _explaining(reading, fitting, filter(is_usable, quick))
        if not any(f.match.equal for f in ranked):
            slow = [name for name in resizer_names() if name not in quick]
            ranked += _explaining(reading, fitting, filter(is_usable, slow))
        if ranked:
            break
    whole = is_whole(reading)
    ranked.sort(key=lambda f: _rank(f, whole=whole))
    return [f for f in ranked if f.match.equal] or ranked


def _is_loaded(resizer: str) -> bool:
    """Whether trying a resizer imports nothing new: libraries take longer to load than to try."""
    family, _ = find_resizer(resizer)
    return family.name in ("opencv", "pillow") or (family.needs or family.name) in sys.modules


def _explaining(
    reading: Reading, fitting: Mapping[Square, Sequence[Window]], names: Iterable[str]
) -> list[Filtered]:
    """Return those of ``names`` that explain all squares by one of their windows each."""
    left = {name: Filtered(name, Match(0.0, 0.0), {}) for name in names}
    for square, fitting_here in fitting.items():
        left = {
            name: better
            for name, so_far in left.items()
            if (better := _explained(reading, square, fitting_here, so_far)) is not None
        }
    return list(left.values())


def is_whole(reading: Reading) -> bool:
    """Whether the pixels are whole numbers, as after a resize of bytes."""
    frame = reading.frame(f"square_{SQUARES[1]}")
    slack = 0.01 + reading.scale.noise
    return frame is None or bool(np.abs(frame - frame.round()).max() <= slack)


def _rank(found: Filtered, *, whole: bool) -> tuple[bool, float, int, str]:
    """Order resizers by how well they agree, then by which library is the likelier to be meant."""
    likely = ("pillow", "opencv", "torch") if whole else ("torch", "opencv", "pillow")
    place = [p for p, family in enumerate(likely) if found.resizer.startswith(f"{family}-")]
    where = place[0] if place else len(likely)
    return not found.match.equal, round(found.match.mean, 3), where, found.resizer


def _telling(square: Square) -> tuple[bool, float]:
    """Order squares by how much they tell: a clear reduction first, the smallest such."""
    return square.reduction < CLEAR, square.reduction


def _explained(
    reading: Reading, square: Square, fitting: Sequence[Window], so_far: Filtered
) -> Filtered | None:
    best, chosen = APART, None
    for window in fitting:
        found = reading.compare(square.name, rendered(square.name, window, so_far.resizer))
        if found < best:
            best, chosen = found, window
        if best.equal:
            break
    if chosen is None or not best.near:
        return None
    return Filtered(
        so_far.resizer, so_far.match.and_(best), {**so_far.windows, square.name: chosen}
    )


def rendered(name: str, window: Window, resizer: str) -> Image:
    """Return the frame that ``window`` and ``resizer`` make of a lossless probe."""
    rows, columns = window.rows, window.columns
    whole = (rows.begin, rows.length, columns.begin, columns.length)
    return window.framed(_resized(name, whole, (rows.target, columns.target), resizer))


@lru_cache(maxsize=256)
def _resized(
    name: str, part: tuple[int, int, int, int], size: tuple[int, int], resizer: str
) -> Image:
    top, rows, left, columns = part
    return scaled(probes()[name].pixels[top : top + rows, left : left + columns], size, resizer)


@lru_cache
def is_usable(resizer: str) -> bool:
    """Whether the library of a registered resizer is here."""
    try:
        require(find_resizer(resizer)[0])
        scaled(np.zeros((8, 8, 3), np.uint8), (4, 4), resizer)
    except (RoadworthyError, ImportError):
        return False
    return True
