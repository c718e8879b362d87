"""Where the squares of a patch attack may lie."""

from __future__ import annotations

from math import sqrt

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from roadworthy.stress.draws import BatchDraws

Corners = NDArray[np.int64]
"""Top and left of a square in pixels, (N, 2), or (1, 2) where it is one for all images."""


def side_of(area: float, height: int, width: int) -> int:
    """Return the side, in whole pixels, of a square of ``area`` of the frame, if it fits into it."""
    return min(max(round(sqrt(area * height * width)), 1), height, width)


def drawn_corners(side: int, height: int, width: int, rng: BatchDraws) -> Corners:
    """Return a place for each image, all equally likely."""
    tops, lefts = (rng.integers(0, length - side + 1, ()) for length in (height, width))
    return np.stack([tops, lefts], axis=1)


def grid_corners(side: int, height: int, width: int, count: int) -> list[Corners]:
    """Return ``count`` by ``count`` evenly spaced places, row by row, the outer ones at the edges.

    A single one is in the middle.
    """
    tops, lefts = (
        np.linspace(0, length - side, count).round().astype(int).tolist()
        if count > 1
        else [(length - side) // 2]
        for length in (height, width)
    )
    return [np.array([[top, left]]) for top in tops for left in lefts]


def said(corners: Corners) -> str:
    """Return in words for the records where the squares of all images lie."""
    ((top, left),) = corners.tolist()
    return f"top={top},left={left}"


def inside(corners: Corners, side: int, x: Tensor) -> Tensor:
    """Return which pixels of ``x`` lie in the squares, (N, 1, H, W)."""
    masks = []
    for axis, length in enumerate(x.shape[2:]):
        first = torch.from_numpy(corners[:, axis, None]).to(x.device)
        at = torch.arange(length, device=x.device)
        masks.append((at >= first) & (at < first + side))
    both: Tensor = masks[0][:, None, :, None] & masks[1][:, None, None, :]
    return both.expand(len(x), -1, -1, -1)
