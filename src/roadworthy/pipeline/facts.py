"""What an encoded file says of itself that decides how much decoders and resizers differ on it."""

from __future__ import annotations

from dataclasses import dataclass

from roadworthy.pipeline.containers import jpeg
from roadworthy.pipeline.containers.base import Header
from roadworthy.pipeline.recipe import Pipeline
from roadworthy.pipeline.steps import shrinking
from roadworthy.types import Image

NOT_JPEG = "not JPEG"


@dataclass(frozen=True)
class Facts:
    """How colour is stored in a file, and by how much a pipeline shrinks its picture.

    ``chroma`` is 4:4:4, 4:2:2, 4:2:0 and the like, ``grey``, ``CMYK``, ``other`` or ``not JPEG``;
    ``downscale`` is 2 where each side is halved, None where nothing is resized.
    """

    chroma: str
    downscale: float | None


def facts_of(header: Header, pixels: Image, pipeline: Pipeline) -> Facts:
    """Return the facts of a file that passed the checks and was decoded to ``pixels`` (H, W, 3)."""
    chroma = jpeg.layout(header.sampling) if header.format == "JPEG" else NOT_JPEG
    return Facts(chroma, shrinking(pixels.shape[0], pixels.shape[1], pipeline))
