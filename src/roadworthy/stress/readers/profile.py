"""Another way with the colour profile of a file."""

from __future__ import annotations

from dataclasses import replace

from roadworthy.pipeline.base import Pipeline
from roadworthy.stress.base import reader


@reader(level="profile")
def profile(pipeline: Pipeline, *, profile: str) -> Pipeline:
    """Bring colours to sRGB as the file's ICC profile says (``profile=srgb``) or not (``ignore``).

    Browsers, phones and libvips apply it; Pillow, OpenCV and torchvision ignore it. Only files with a
    profile other than sRGB differ by more than a level.
    """
    return replace(pipeline, profile=profile)
