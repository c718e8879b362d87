"""No stress at all: the images as the model's own pipeline reads them."""

from __future__ import annotations

from roadworthy.stress.base import StressDefinition
from roadworthy.types import Image, Tap


def _unchanged(image: Image) -> Image:
    """Judge the images as the model's own pipeline reads them; every drop is taken against this."""
    return image


clean = StressDefinition(
    name="clean", function=_unchanged, parameters=(), tap=Tap.IMAGE, axis="clean"
)
