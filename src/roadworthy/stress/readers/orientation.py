"""Another way with the orientation that a camera noted."""

from __future__ import annotations

from dataclasses import replace

from roadworthy.pipeline.base import Pipeline
from roadworthy.stress.base import reader


@reader(level="orient")
def orientation(pipeline: Pipeline, *, orient: str) -> Pipeline:
    """Turn pictures as their EXIF block says (``orient=exif``) or leave them (``orient=ignore``).

    OpenCV turns them by default; Pillow, torchvision and TensorFlow do not. Only files with an
    orientation other than 1 differ.
    """
    return replace(pipeline, orient=orient)
