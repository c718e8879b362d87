"""Resizing in another light."""

from __future__ import annotations

from dataclasses import replace

from roadworthy.pipeline.base import Pipeline
from roadworthy.stress.base import reader


@reader(level="light")
def light(pipeline: Pipeline, *, light: str = "linear") -> Pipeline:
    """Resize in ``linear`` light, as a gamma-correct resize does, or the levels as ``encoded``.

    The model's own resizer does the work either way, so it must be one that takes numbers between 0
    and 1. Nearest-neighbour resizers do not mix pixels and do not change.
    """
    return replace(pipeline, light=light)
