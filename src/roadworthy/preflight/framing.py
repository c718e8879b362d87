"""How pictures get into the frame, in words that tell one geometry from another."""

from __future__ import annotations

from math import floor
from typing import Any

from roadworthy.pipeline.base import Pipeline
from roadworthy.pipeline.stages import GEOMETRIES
from roadworthy.preflight.factors import FIELDS, Reader
from roadworthy.preflight.shapes import SHORTER

ROUNDED = {
    "crop": "the longer side truncated, the crop's offset rounded half to even, as in torchvision",
    "floor_crop": "the longer side truncated, the crop's offset rounded down",
    "rounded_crop": "the longer side rounded, the crop's offset rounded down",
}
"""What tells the geometries apart that take the shorter side to a length: a pixel here or there."""


def in_words(pipeline: Pipeline) -> str:
    """Return a geometry as a phrase."""
    if pipeline.size is None:
        return "leave them in their own size"
    height, width = pipeline.size
    if pipeline.geometry in SHORTER:
        side = pipeline.resize_to or floor(min(pipeline.size) / pipeline.crop)
        return f"shorter side to {side}, aspect kept, then the central {height} x {width}"
    if pipeline.geometry == "squash" and pipeline.resize_to:
        side = pipeline.resize_to
        return f"both sides to {side}, then the central {height} x {width}"
    if pipeline.geometry == "squash":
        return f"both sides straight to {height} x {width}"
    return f"{pipeline.geometry} to {height} x {width}"


def advised(training: Reader, deployment: Reader) -> str:
    """Return what to do about a geometry that is not that of training."""
    said = in_words(training.pipeline)
    if said == in_words(deployment.pipeline):
        said += _finer(training.pipeline, deployment.pipeline)
    return f"fit pictures as training did: {said}"


def _finer(wanted: Pipeline, used: Pipeline) -> str:
    """Return what tells a geometry from another one in the same words."""
    if wanted.geometry != used.geometry:
        return f" ({ROUNDED.get(wanted.geometry, wanted.geometry)})"
    settings = [
        f"{name}={_setting(wanted, name)}"
        for name in FIELDS["geometry"]
        if _setting(wanted, name) != _setting(used, name)
    ]
    return f" ({', '.join(settings)})"


def _setting(pipeline: Pipeline, name: str) -> Any:
    value = getattr(pipeline, name)
    return (GEOMETRIES.get(pipeline.geometry).fill,) * 3 if name == "fill" and not value else value
