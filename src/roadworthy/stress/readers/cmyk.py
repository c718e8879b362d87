"""Another formula from the four inks of CMYK files to RGB."""

from __future__ import annotations

from dataclasses import replace

from roadworthy.pipeline.base import Pipeline
from roadworthy.stress.base import reader


@reader(level="cmyk")
def cmyk(pipeline: Pipeline, *, cmyk: str) -> Pipeline:
    """Read CMYK files by another formula: ``pillow``, ``opencv``, or through their ``profile``.

    The formula stands apart from the decoder, since libraries differ in it by far more than in their
    JPEG codec. Other files do not change.
    """
    return replace(pipeline, cmyk=cmyk)
