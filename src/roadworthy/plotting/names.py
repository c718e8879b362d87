"""Names beside the points of a figure: each on the side where it covers least."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Annotation

Boxes = NDArray[np.float64]
"""Left, bottom, right and top of rectangles, in the last axis."""

_ROUNDS = 4
_OUTSIDE = 10.0
"""How much worse it is to lie outside than to lie on another name."""

_DOT = 6.0
_SIDES = {"left": 3.5, "right": -3.5, "center": 0.0}
_HEIGHTS = {"bottom": 3.5, "top": -3.5, "center": 0.0}
_PLACES = [place for place in product(_SIDES, _HEIGHTS) if place != ("center", "center")]


def place_names(figure: Figure, axes: Axes) -> None:
    """Move the names beside points where they cover no other name or point and stay inside."""
    from matplotlib.text import Annotation

    names = [one for one in axes.texts if isinstance(one, Annotation) and one.xyann != (0, 0)]
    if not names:
        return
    for name in names:
        name.set_in_layout(False)
    figure.draw_without_rendering()
    points = np.asarray(axes.transData.transform([name.xy for name in names]))
    boxes = np.stack([[_moved(name, place) for place in _PLACES] for name in names])
    inside = overlaps(boxes.reshape(-1, 4), np.array([axes.bbox.extents]))
    areas = np.prod(boxes[..., 2:] - boxes[..., :2], axis=-1)
    dots = overlaps(boxes.reshape(-1, 4), np.hstack([points - _DOT, points + _DOT]))
    alone = dots.sum(axis=1) + _OUTSIDE * (areas.ravel() - inside[:, 0])
    chosen = placed(
        alone.reshape(areas.shape), overlaps(boxes.reshape(-1, 4), boxes.reshape(-1, 4))
    )
    for name, place in zip(names, chosen, strict=True):
        _moved(name, _PLACES[place])


def _moved(name: Annotation, place: tuple[str, str]) -> Boxes:
    """Move a name to one side of its point and return the box that it covers there."""
    side, height = place
    name.set(ha=side, va=height)
    name.xyann = (_SIDES[side], _HEIGHTS[height])
    return np.asarray(name.get_window_extent().extents)


def overlaps(first: Boxes, second: Boxes) -> Boxes:
    """Return the area that each of some boxes (n, 4) has in common with each of others (m, 4)."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    width, height = np.moveaxis(np.maximum(high - low, 0.0), -1, 0)
    common: Boxes = width * height
    return common


def placed(alone: Boxes, common: Boxes) -> Sequence[int]:
    """Return a place for each name, so that as little as possible is covered.

    ``alone`` (names, places) is what a place costs by itself, ``common`` (names x places, the same)
    what two of them cover of each other. Names move one by one, from each of the places in turn.
    """
    names, places = alone.shape
    pairs = common.reshape(names, places, names, places)
    others = np.arange(names)
    best, least = [0] * names, np.inf
    for start in range(places):
        chosen = np.full(names, start)
        for at in [*range(names)] * _ROUNDS:
            covered = pairs[at][:, others, chosen]
            chosen[at] = np.argmin(alone[at] + covered.sum(axis=1) - covered[:, at])
        both = pairs[others[:, None], chosen[:, None], others, chosen]
        cost = alone[others, chosen].sum() + (both.sum() - np.trace(both)) / 2
        if cost < least:
            best, least = chosen.tolist(), cost
    return best
