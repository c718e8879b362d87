"""Heat maps: where in the frame the pixels of subsets lie, over all images and by class."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from roadworthy.report.blocks import Block, Heading, Panel, Picture, Pictures, Text
from roadworthy.report.names import clean_text
from roadworthy.report.rebuild import FAULTS
from roadworthy.report.subsets.audits import Audit
from roadworthy.report.subsets.pieces import cut_of
from roadworthy.report.thumbnail import drawn

MOST_IMAGES = 2000
MOST_MAPS = 12
LEAST_IMAGES = 3
"""A map of fewer images of a class shows the images, not the network."""

CAPTION = (
    "Where the pixels of the subsets lie: the brighter, the more of the images have the pixel in their "
    "subset, from none to the share that stands below. First all images, then the classes that the model "
    "says of most images. Subsets that lie at one place in all images, such as along the edge, lie there "
    "for the network's sake."
)
COLOURS = np.array([(12, 12, 40), (70, 20, 110), (170, 45, 90), (240, 130, 40), (252, 250, 190)])
"""From none to most: lightness rises evenly."""

Map = tuple[NDArray[np.float64], int]
"""How many images have each pixel in their subset, (h, w), and of how many."""


def maps(found: Sequence[Audit]) -> Iterator[Block]:
    """Draw the heat maps of every audit whose orders are kept."""
    made: list[Block] = []
    missing = 0
    for one in found:
        known, gone = _maps(one)
        missing += gone
        pictures = [_picture(one, name, counted) for name, counted in known.items()]
        if pictures:
            title = f"{one.title}: where subsets lie" if one.title else "Where subsets lie"
            made += [Heading(title), Pictures(pictures)]
    if made:
        yield Text(CAPTION, "soft")
        yield from made
    if missing:
        said = f"{missing} orders of pixels are no longer kept, so that their images are in no heat map."
        yield Text(said, "warn")


def _maps(one: Audit) -> tuple[Mapping[str, Map], int]:
    """Return the maps by name, that over all images first, and how many orders are gone."""
    view, model = one.evidence.view, one.spec
    by_class: dict[int, list[NDArray[np.bool_]]] = {}
    gone = 0
    for row in one.own.head(MOST_IMAGES).iter_rows(named=True):
        try:
            cut = cut_of(view, row)
        except FAULTS:
            cut = None
        if cut is None:
            gone += 1
        else:
            by_class.setdefault(int(row["target"]), []).append(cut.kept[0])
    every = [kept for listed in by_class.values() for kept in listed]
    if not every:
        return {}, gone
    found = {"all images": _counted(every)}
    frequent = sorted(by_class.items(), key=lambda item: (-len(item[1]), item[0]))
    for label, listed in frequent[: MOST_MAPS - 1]:
        if LEAST_IMAGES <= len(listed) < len(every):
            found[clean_text(view.class_name(model, label), limit=60)] = _counted(listed)
    return found, gone


def _counted(kept: Sequence[NDArray[np.bool_]]) -> Map:
    """Return how often each pixel is kept, over the images in the most frequent frame."""
    shapes = [one.shape for one in kept]
    usual = max(dict.fromkeys(shapes), key=shapes.count)
    same = [one for one in kept if one.shape == usual]
    return np.sum(same, axis=0, dtype=np.float64), len(same)


def coloured(counts: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return a map (h, w) as a picture, from none in dark to the largest in light, uint8 (h, w, 3)."""
    place = counts / max(float(counts.max()), 1.0) * (len(COLOURS) - 1)
    marks = np.arange(len(COLOURS))
    return (
        np.stack([np.interp(place, marks, c) for c in COLOURS.T], axis=-1).round().astype(np.uint8)
    )


def _picture(one: Audit, name: str, counted: Map) -> Picture:
    counts, images = counted
    most, mean = float(counts.max()) / images, float(counts.mean()) / images
    alt = f"heat map of where subsets of {name} lie"
    return Picture(
        panels=[
            Panel(drawn(coloured(counts), exact=True), f"up to {100 * most:.0f} % of images", alt)
        ],
        strong=name,
        beside="",
        lines=[f"{images} images; {100 * mean:.2g} % of their pixels"],
        soft=[],
        about=one.about,
        right=True,
    )
