"""Another way from sixteen bits of grey to eight."""

from __future__ import annotations

from dataclasses import replace

from roadworthy.pipeline.base import Pipeline
from roadworthy.stress.base import reader


@reader(level="depth")
def depth(pipeline: Pipeline, *, depth: str) -> Pipeline:
    """Read 16-bit grey files by their high byte (``high_byte``) or cut off at 255 (``saturate``).

    OpenCV and libvips take the high byte; Pillow's ``convert`` saturates, so that nearly all of a
    picture becomes white. Other files do not change.
    """
    return replace(pipeline, depth=depth)
