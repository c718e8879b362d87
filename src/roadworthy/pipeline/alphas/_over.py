"""A picture laid on a plain ground."""

from __future__ import annotations

import numpy as np
from PIL import Image as PillowImage

from roadworthy.pipeline.colour_stages import Opacity
from roadworthy.types import Image


def over(image: Image, opacity: Opacity, ground: int) -> Image:
    """Return ``image`` on a ground of grey level ``ground``, rounded as Pillow's ``paste`` rounds."""
    picture = PillowImage.new("RGB", image.shape[1::-1], (ground,) * 3)
    picture.paste(PillowImage.fromarray(image), mask=PillowImage.fromarray(opacity))
    return np.asarray(picture)
