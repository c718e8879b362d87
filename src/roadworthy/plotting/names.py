"""Names beside the points of a figure: each on the side where it covers least."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Annotation
    from matplotlib.transforms import Bbox

_ROUNDS = 3
_SIDES = {"left": 3.5, "right": -3.5, "center": 0.0}
_HEIGHTS = {"bottom": 3.5, "top": -3.5, "center": 0.0}


def place_names(figure: Figure, axes: Axes) -> None:
    """Move the names beside points where they cover no other name or point and stay inside."""
    from matplotlib.text import Annotation
    from matplotlib.transforms import Bbox

    names = [one for one in axes.texts if isinstance(one, Annotation) and one.xyann != (0, 0)]
    if not names:
        return
    for name in names:
        name.set_in_layout(False)
    figure.draw_without_rendering()
    points = axes.transData.transform([name.xy for name in names])
    dots = [Bbox.from_bounds(x - 6, y - 6, 12, 12) for x, y in points]
    places = [place for place in product(_SIDES, _HEIGHTS) if place != ("center", "center")]
    boxes: list[Bbox] = []
    for at in [*range(len(names))] * _ROUNDS:
        others = [*dots, *boxes[:at], *boxes[at + 1 :]]
        costs = {place: _cost(_moved(names[at], *place), axes, others) for place in places}
        boxes[at : at + 1] = [_moved(names[at], *min(costs, key=costs.__getitem__))]


def _moved(name: Annotation, side: str, height: str) -> Bbox:
    """Move a name to one side of its point and return the box that it covers there."""
    name.set(ha=side, va=height)
    name.xyann = (_SIDES[side], _HEIGHTS[height])
    return name.get_window_extent()


def _cost(box: Bbox, axes: Axes, covered: list[Bbox]) -> float:
    """Return how much of a box lies on others, and, which is worse, outside."""
    from matplotlib.transforms import Bbox

    inside = Bbox.intersection(box, axes.bbox)
    area = box.width * box.height
    outside = area - (inside.width * inside.height if inside is not None else 0.0)
    both = (Bbox.intersection(box, other) for other in covered)
    return 2 * outside + sum(one.width * one.height for one in both if one is not None)
