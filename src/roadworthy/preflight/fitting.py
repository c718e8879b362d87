"""How pictures get into the frame: its size, the geometry and the resizer."""

from __future__ import annotations

from dataclasses import replace
from math import floor

from roadworthy.pipeline.base import Pipeline
from roadworthy.pipeline.stages import GEOMETRIES
from roadworthy.preflight.component import Component, unknown
from roadworthy.preflight.families import family_of
from roadworthy.preflight.filters import Filtered, Square, filters, squares
from roadworthy.preflight.probes.base import probes
from roadworthy.preflight.reading import Reading
from roadworthy.preflight.shapes import SHORTER, Fitting, fittings

FRAME = ("size", "geometry", "resize")

OWN = Pipeline(None)
"""What a part that is unknown is in a pipeline of ours: nothing is done to pictures."""


def fitted(reading: Reading) -> tuple[list[Component], Pipeline]:
    """Find size, geometry and resizer, and a pipeline of ours that has them."""
    size, recipe = reading.size, replace(OWN, size=reading.size)
    if size is None and _untouched(reading):
        said = "every picture keeps its size and its pixels"
        return [Component(part, "none", said) for part in FRAME], recipe
    frame = unknown("size", "the frame depends on the picture")
    if size is not None:
        frame = Component("size", "x".join(map(str, size)), "all pictures")
    measured = squares(reading)
    if isinstance(measured, str):
        return [frame, *(unknown(part, measured) for part in FRAME[1:])], recipe
    filtered = filters(reading, measured)
    resizer = filtered[0].resizer if filtered else None
    shapes = fittings(reading, measured, resizer)
    if not isinstance(shapes, str):
        recipe = shapes[0].pipeline
    if resizer is not None:
        recipe = replace(recipe, resize=resizer)
    return [frame, _geometry(shapes, resizer), _resize(filtered, measured)], recipe


def _untouched(reading: Reading) -> bool:
    grids = [n for n in reading.answers.arrays if n.startswith(("grid_", "square_"))]
    return bool(grids) and all(reading.compare(n, probes()[n].pixels).equal for n in grids)


def _geometry(shapes: list[Fitting] | str, resizer: str | None) -> Component:
    if isinstance(shapes, str):
        return unknown("geometry", shapes)
    rules = {f.pipeline.geometry: rule_of(f.pipeline) for f in reversed(shapes)}
    first = shapes[0].pipeline
    if resizer is None:
        ways = {f.windows: f.pipeline.geometry for f in shapes}
        if len(ways) > 1 and not set(ways.values()) <= set(SHORTER):
            listed = ", ".join(reversed(rules.values()))
            return unknown("geometry", f"{listed} cannot be told apart without the resizer")
    how = "pixel by pixel" if resizer else "where ramps come out, as the resizer is unknown"
    same = tuple(rule for geometry, rule in rules.items() if geometry != first.geometry)
    return Component("geometry", rule_of(first), f"pictures of many shapes, {how}", same[::-1])


def rule_of(pipeline: Pipeline) -> str:
    """Return the geometry of a pipeline with its numbers, as in ``crop(resize_to=256)``."""
    pipeline, given = _worded(pipeline), []
    if pipeline.resize_to is not None:
        given.append(f"resize_to={pipeline.resize_to}")
    elif pipeline.crop < 1:
        given.append(f"crop={pipeline.crop:g}")
    if pipeline.fill is not None:
        given.append(f"fill={pipeline.fill}")
    return pipeline.geometry + (f"({', '.join(given)})" if given else "")


def _worded(pipeline: Pipeline) -> Pipeline:
    """Return the same geometry by a length rather than a fraction, where it has both."""
    size = pipeline.size
    if size and pipeline.geometry in SHORTER and pipeline.resize_to is None and size[0] == size[1]:
        return replace(pipeline, resize_to=floor(size[0] / pipeline.crop))
    if not GEOMETRIES.get(pipeline.geometry).crops:
        return replace(pipeline, crop=1.0)
    return pipeline


def _resize(filtered: list[Filtered], measured: list[Square]) -> Component:
    if not filtered:
        return unknown("resize", "no known filter makes these pixels")
    best, *others = filtered
    if not any(window.resizes for window in best.windows.values()):
        return Component("resize", "none", "every picture keeps its pixels")
    exactly = (
        "equal pixels" if best.match.equal else f"within {best.match.largest:.2g} of 255 levels"
    )
    said = f"{family_of(best.resizer)}; {exactly} in {len(measured)} sizes"
    same = tuple(f.resizer for f in others if f.match.mean <= best.match.mean + 0.05)
    return Component("resize", best.resizer, said, same)
