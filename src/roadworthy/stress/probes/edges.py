"""Only the outlines of a picture, white on black."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

import cv2
import numpy as np

from roadworthy.errors import UsageError
from roadworthy.stress.base import image_stress
from roadworthy.stress.probes.grey import luma
from roadworthy.types import Image


def _check(arguments: Mapping[str, Any]) -> None:
    low, high = arguments["low"], arguments["high"]
    if not (isfinite(high) and 0 <= low <= high):
        raise UsageError(f"edges: thresholds are 0 <= low <= high, not low={low}, high={high}")


@image_stress(check=_check, paper="Geirhos et al., ICLR 2019")
def edges(image: Image, low: float = 100.0, high: float = 200.0) -> Image:
    """Draw the edges that Canny's detector finds in the luma, 255 on 0, in all three channels.

    ``image`` is uint8 (H, W, 3); so is the result. The luma is that of ``grey``, not smoothed; the
    gradient comes from 3 x 3 Sobel kernels on levels 0 to 255 and is measured as sqrt(gx^2 + gy^2).
    Ridges of more than ``high`` are edges, and so are those of more than ``low`` that hang together
    with them (Canny, 1986). After the probe of Geirhos et al., ICLR 2019, who took MATLAB's detector
    with thresholds chosen for each picture, so results cannot be compared with theirs.
    """
    found = cv2.Canny(luma(image), low, high, apertureSize=3, L2gradient=True)
    return np.repeat(found[..., None], 3, axis=2)
