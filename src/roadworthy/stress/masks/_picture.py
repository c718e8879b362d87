"""A part of one picture as a picture in eight bits."""

from __future__ import annotations

from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray

from roadworthy.engine.forward import to_input
from roadworthy.stress.masks import Mask
from roadworthy.stress.masks.base import MaskContext
from roadworthy.types import Classifier, Image

NOBODY = cast(Classifier, None)
"""Who is shown the picture: covers do not ask."""


def picture(
    mask: Mask,
    image: Image,
    kept: NDArray[np.bool_],
    context: MaskContext,
    *,
    sample: str,
    seed: int,
) -> Image:
    """Return ``image``, uint8 (H, W, 3), where it is ``kept`` (H, W), and elsewhere what covers it.

    What is kept are the very same bytes; what covers it is rounded to eight bits. ``sample`` is the name by
    which the mask draws. Raises ValueError for a mask that shows a model less instead of covering.
    """
    if mask.definition.drops:
        raise ValueError(f"mask '{mask.spec}' covers nothing")
    x = to_input(np.ascontiguousarray(image)[None], "cpu")
    shown = mask.shown(NOBODY, x, context, samples=[sample], seed=seed)
    covered, _ = shown.view(torch.from_numpy(np.ascontiguousarray(kept))[None])
    pixels = (covered[0] * 255).round().clamp(0, 255).to(torch.uint8).permute(1, 2, 0).numpy()
    return np.where(kept[..., None], image, pixels)
