"""Another way with transparency."""

from __future__ import annotations

from dataclasses import replace

from roadworthy.pipeline.base import Pipeline
from roadworthy.stress.base import reader


@reader(level="alpha")
def alpha(pipeline: Pipeline, *, alpha: str) -> Pipeline:
    """Lay transparent pictures on ``white`` or ``black``, or ``drop`` the transparency.

    Pillow's ``convert("RGB")`` and OpenCV drop it, so that colours show which nobody was to see;
    browsers and many web pipelines lay the picture on white. Other files do not change.
    """
    return replace(pipeline, alpha=alpha)
