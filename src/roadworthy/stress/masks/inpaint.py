"""Removed pixels are painted over from what is around them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from roadworthy.errors import UsageError
from roadworthy.pipeline.native import opencv
from roadworthy.stress.masks.base import MaskContext, mask


def _check(given: Mapping[str, Any]) -> None:
    if not 1 <= given["radius"] < float("inf"):
        raise UsageError(
            f"inpaint: radius is how many pixels around each are used, 1 or more, not {given['radius']}"
        )


@mask(check=_check, paper="Telea, 2004")
def inpaint(x: Tensor, *, radius: float = 3.0, kept: Tensor, context: MaskContext) -> Tensor:
    """Cover pixels by inpainting: from the edge of what is kept inwards, by the fast marching method.

    ``x`` is a float batch (N, C, H, W) in [0, 1], ``kept`` (N, H, W) a bool tensor; each pixel becomes
    a weighted mean of those known within ``radius``, in 8 bits. An image of which nothing is kept has
    the mean colour. It is made anew whenever pixels go, so that it is better as a baseline than as
    the mask of a search. A. Telea, "An image inpainting technique based on the fast marching
    method", Journal of Graphics Tools 9 (2004).
    """
    covers = context.mean.to(x).view(1, -1, 1, 1).expand_as(x).clone()
    levels = x.detach().mul(255.0).round().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
    gone = (~kept).to(torch.uint8).cpu().numpy()
    for index, (image, hole) in enumerate(zip(levels, gone, strict=True)):
        if hole.all():
            continue
        done = _painted(np.ascontiguousarray(image), hole, radius)
        covers[index] = torch.from_numpy(done).permute(2, 0, 1).to(x) / 255.0
    return covers


def _painted(image: np.ndarray[Any, Any], hole: np.ndarray[Any, Any], radius: float) -> Any:
    cv = opencv()
    return cv.inpaint(image, hole, radius, cv.INPAINT_TELEA) if hole.any() else image
