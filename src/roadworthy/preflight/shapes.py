"""Which geometry fits pictures of all shapes to the frame as a pipeline does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import floor

from roadworthy.pipeline.base import Pipeline
from roadworthy.pipeline.recipe import SIDE_MAX
from roadworthy.pipeline.stages import GEOMETRIES
from roadworthy.pipeline.steps import part_of, target_size
from roadworthy.preflight.filters import Square, rendered
from roadworthy.preflight.match import APART, Match
from roadworthy.preflight.measure import Shown, shown_of
from roadworthy.preflight.probes.base import SIZES
from roadworthy.preflight.reading import Reading
from roadworthy.preflight.window import Side, Window

SHORTER = ("crop", "floor_crop", "rounded_crop")
"""Geometries that take the shorter side to a length; named by that length."""

FIRST = (*SHORTER, "squash", "letterbox", "pad")
"""Geometries in the order in which they are named where several fit; the others follow."""

SIMPLE = 4
"""How many fractions that explain a length are tried."""

LOOSE = 1.5
"""Output pixels by which they may be off where pixels are then compared."""

TARGET, OFFSET = 0.35, 0.35
"""Output pixels by which a measured size and offset may be off, where no filter is known."""


@dataclass(frozen=True)
class Fitting:
    """A geometry with its numbers that explains all pictures, and how well."""

    pipeline: Pipeline
    match: Match
    windows: tuple[Window, ...]


def fittings(
    reading: Reading, squares: Sequence[Square], resizer: str | None
) -> list[Fitting] | str:
    """Return the geometries that explain the grids of all shapes, or say what was measured.

    With a ``resizer`` pixels are compared, without one only where the ramps come out.
    """
    size = reading.size
    if size is None:
        return "the frame depends on the picture"
    grids: dict[tuple[int, int], Shown] = {}
    for height, width in SIZES:
        frame = reading.rgb(f"grid_{height}x{width}")
        shown = "no answer" if frame is None else shown_of(frame, height, width)
        if isinstance(shown, str):
            return f"{height} x {width} pixels: {shown}"
        grids[height, width] = shown
    found = []
    fill = next((s.fill for s in grids.values() if s.fill is not None), None)
    for pipeline in _candidates(size, squares, fill):
        if resizer is not None:
            pipeline = replace(pipeline, resize=resizer)
        places = {sides: window_of(*sides, pipeline) for sides in grids}
        match = _explained(reading, grids, places, resizer)
        if match.near:
            found.append(Fitting(pipeline, match, tuple(places.values())))
    equal = [f for f in found if f.match.equal]
    return equal or found or _measured(grids)


def _candidates(
    size: tuple[int, int], squares: Sequence[Square], fill: tuple[float, ...] | None
) -> Iterator[Pipeline]:
    """Yield every geometry with the numbers that the squares allow."""
    step = {s.side: (s.shown.rows.step + s.shown.columns.step) / 2 for s in squares}
    target = round(max(side / covered for side, covered in step.items()))
    around = {round(side / covered) for side, covered in step.items()} | {target}
    targets = sorted(t for t in around if 1 <= t <= SIDE_MAX)
    kept = [(s.side, s.shown.rows.step * (s.shown.rows.stop - s.shown.rows.start)) for s in squares]
    ranges = {(s / (t + 1), s / t) for t in targets for s in size} | {_bounds(kept)}
    fractions = {f for low, high in ranges for f in _simplest(low, high)}
    colour = None if fill is None else _whole(fill)
    for name in sorted(GEOMETRIES, key=lambda n: _rank(n, colour)):
        plain = Pipeline(size, geometry=name, crop=1.0, fill=_fill(name, colour))
        explicit = [replace(plain, resize_to=t) for t in targets]
        yield from [*explicit, plain] if name in SHORTER else [plain, *explicit]
        yield from (replace(plain, crop=f) for f in sorted(fractions) if 0 < f < 1)


def _rank(name: str, colour: tuple[int, int, int] | None) -> tuple[bool, int, str]:
    """Order geometries: those that need no other fill than their own, then as usual."""
    place = FIRST.index(name) if name in FIRST else len(FIRST)
    return _fill(name, colour) is not None, place, name


def _fill(name: str, colour: tuple[int, int, int] | None) -> tuple[int, int, int] | None:
    """Return ``colour`` where it is not what the geometry fills with by itself."""
    own = GEOMETRIES.get(name).fill
    return None if colour in (None, (own, own, own)) else colour


def _whole(fill: tuple[float, ...]) -> tuple[int, int, int]:
    red, green, blue = (round(min(255.0, max(0.0, f))) for f in fill)
    return red, green, blue


def _bounds(kept: list[tuple[int, float]]) -> tuple[float, float]:
    """Return between which fractions of a side all squares were kept."""
    low = max((length - 0.6) / side for side, length in kept)
    high = min((length + 0.6) / side for side, length in kept)
    return (low, high) if low < high else (0.0, 1.0)


def _simplest(low: float, high: float) -> list[float]:
    """Return the numbers with the fewest decimals in (low, high], a few at most."""
    for digits in range(1, 7):
        scale = float(10**digits)
        last = floor(high * scale + 1e-9)
        found = [n / scale for n in range(last, last - SIMPLE, -1) if n / scale > low]
        if found:
            return found
    return [high]


def window_of(height: int, width: int, pipeline: Pipeline) -> Window:
    """Return what a pipeline of ours does to a picture of this size."""
    assert pipeline.size is not None
    stage = GEOMETRIES.get(pipeline.geometry)
    top, left, rows, columns = part_of(height, width, pipeline)
    target = target_size(height, width, pipeline)
    offsets = [stage.offset(have, want) for have, want in zip(target, pipeline.size, strict=True)]
    fill = (stage.fill,) * 3 if pipeline.fill is None else pipeline.fill
    return Window(
        Side(top, rows, target[0], offsets[0]),
        Side(left, columns, target[1], offsets[1]),
        pipeline.size,
        fill,
    )


def _explained(
    reading: Reading,
    grids: dict[tuple[int, int], Shown],
    places: dict[tuple[int, int], Window],
    resizer: str | None,
) -> Match:
    slack = None if resizer is None else LOOSE
    if not all(_consistent(places[sides], shown, slack) for sides, shown in grids.items()):
        return APART
    worst = Match(0.0, 0.0, reading.scale.noise)
    if resizer is None:
        return worst
    for (height, width), window in places.items():
        name = f"grid_{height}x{width}"
        worst = worst.and_(reading.compare(name, rendered(name, window, resizer)))
        if not worst.near:
            break
    return worst


def _consistent(window: Window, shown: Shown, slack: float | None) -> bool:
    """Whether ramps would come out where they were measured, to within so many output pixels."""
    for side, axis in ((window.rows, shown.rows), (window.columns, shown.columns)):
        step = side.length / side.target
        begin = side.begin + side.offset * step
        target_off = abs(axis.stop - axis.start) * abs(axis.step / step - 1)
        offset_off = abs(axis.begin - begin) / step
        if target_off > (slack or TARGET) or offset_off > (slack or OFFSET):
            return False
    return True


def _measured(grids: dict[tuple[int, int], Shown]) -> str:
    (height, width), shown = next(iter(grids.items()))
    target = [length / axis.step for length, axis in ((height, shown.rows), (width, shown.columns))]
    start = [axis.begin / axis.step for axis in (shown.rows, shown.columns)]
    return (
        f"no known rule: {height} x {width} pixels are scaled to {target[0]:.1f} x {target[1]:.1f}, "
        f"of which the frame shows what begins at {start[0]:.1f}, {start[1]:.1f}"
    )
