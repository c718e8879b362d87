"""Another order or kind of channels in the frame."""

from __future__ import annotations

from dataclasses import replace

from roadworthy.pipeline.base import Pipeline
from roadworthy.stress.base import reader


@reader(level="colour")
def colour(pipeline: Pipeline, *, colour: str) -> Pipeline:
    """Hand the frame to the model as ``bgr`` (channels swapped), ``grey`` or ``rgb``.

    ``bgr`` is what OpenCV's ``imread`` returns; ``grey`` is Pillow's BT.601 luma in all channels.
    """
    return replace(pipeline, colour=colour)
