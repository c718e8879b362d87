"""Accuracy over confidence as points of a chart, and whether a model is more certain than it is right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from roadworthy.report.cells import entries, text_of
from roadworthy.report.names import AXES, axis_of
from roadworthy.report.points import Who, percent, point
from roadworthy.report.reading import count, real
from roadworthy.report.reliability import BINS
from roadworthy.report.style import Point

LEAST = 10
"""Images that a point stands for: fewer would make it jump about by chance."""

STRESSED = "under stress"


@dataclass(frozen=True)
class _Bin:
    """The answers of one stress with about one confidence; ``alone`` images at least have no other.

    An image with several variants or frames may have answers in several bins: ``alone`` may be added
    up over bins without counting any image twice.
    """

    rows: int
    samples: int
    alone: float
    confidence: float
    right: int


_Bins = Mapping[int, _Bin]


def reliability_points(summary: Mapping[str, Any], who: Who) -> list[Point]:
    """Return accuracy over mean confidence in up to ten bins, one series per judge and axis.

    Neighbouring bins of fewer than ``LEAST`` images are one. With several judges the stresses are
    pooled, lest the chart be full of lines. The images of a bin are those of the stress that has most
    there: the intervals err on the wide side.
    """
    known = entries(summary, "reliability")
    several = len({who(text_of(e, "model"), text_of(e, "data"), "") for e in known}) > 1
    order = [*AXES, STRESSED]
    pooled: dict[tuple[str, str, str], list[_Bins]] = {}
    for entry in known:
        axis = axis_of(text_of(entry, "stress"))
        axis = STRESSED if several and axis != "clean" else axis
        key = (text_of(entry, "model"), text_of(entry, "data"), axis)
        pooled.setdefault(key, []).append(_bins(entry))
    points = []
    for (model, data, axis), stresses in sorted(
        pooled.items(), key=lambda i: (i[0][:2], order.index(i[0][2]))
    ):
        series = " · ".join(filter(None, (who(model, data, ""), AXES.get(axis, STRESSED))))
        for places in _ranges(stresses):
            bins = [found[place] for found in stresses for place in places if place in found]
            rows = sum(one.rows for one in bins)
            reading = percent(sum(one.right for one in bins) / rows, _samples(stresses, places))
            low, high = (100 * place // BINS for place in (places[0], places[-1] + 1))
            x = 100 * sum(one.confidence * one.rows for one in bins) / rows
            label = f"confidence {low} to {high} %"
            points.append(point(reading, label=label, series=series, x=x))
    return points


def excess(summary: Mapping[str, Any], *, model: str, data: str, stress: str) -> float | None:
    """Return mean confidence minus accuracy under a stress, in points; None where it is not known."""
    for entry in entries(summary, "reliability"):
        own = {name: text_of(entry, name) for name in ("model", "data", "stress")}
        bins = _bins(entry).values()
        if bins and own == {"model": model, "data": data, "stress": stress}:
            over = sum(one.confidence * one.rows - one.right for one in bins)
            return 100 * over / sum(one.rows for one in bins)
    return None


def _bins(entry: Mapping[str, Any]) -> _Bins:
    listed = entry.get("bins")
    lines = [x for x in listed if isinstance(x, list) and len(x) == 5] if listed else []
    total = sum(count(line[1]) for line in lines)
    share = count(entry.get("samples")) / total if total else 0.0
    found: dict[int, _Bin] = {}
    for line in lines:
        place, rows, samples, right = (count(line[i]) for i in (0, 1, 2, 4))
        if rows and 0 <= place < BINS:
            found[place] = _Bin(rows, samples, rows * share, real(line[3]) or 0.0, right)
    return found


def _ranges(stresses: Sequence[_Bins]) -> Iterator[list[int]]:
    """Yield neighbouring bins that together have enough images; the last takes what is left."""
    ready: list[int] = []
    open_: list[int] = []
    for place in sorted({place for found in stresses for place in found}):
        open_.append(place)
        if _samples(stresses, open_) >= LEAST:
            if ready:
                yield ready
            ready, open_ = open_, []
    if ready or open_:
        yield ready + open_


def _samples(stresses: Sequence[_Bins], places: Sequence[int]) -> int:
    """Return how many images there are at least in some bins together."""
    most = 0
    for found in stresses:
        own = [found[place] for place in places if place in found]
        alone = int(sum(one.alone for one in own) + 1e-9)
        most = max(most, alone, *(one.samples for one in own), 0)
    return most
