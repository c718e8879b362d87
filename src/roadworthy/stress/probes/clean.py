"""No stress at all: the images as the model's own pipeline reads them."""

from __future__ import annotations

from roadworthy.stress.base import FRAME, StressDefinition
from roadworthy.types import Image, Tap


def _unchanged(image: Image) -> Image:
    """Judge the images as they are read, ``frame=own`` as the model wants them.

    ``frame`` may be that of a benchmark: ``imagenet`` (256, then the central 224), ``inception``,
    ``tiny``, ``squash256`` or ``untouched``. Every drop is taken against the clean images of the
    same frame.
    """
    return image


clean = StressDefinition(
    name="clean", function=_unchanged, parameters=(FRAME,), tap=Tap.IMAGE, axis="clean"
)
