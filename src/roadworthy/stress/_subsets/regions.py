"""Where in the frame the pixels of a subset lie."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter

Flags = NDArray[np.bool_]
Shares = NDArray[np.float64]

BORDER = 8
"""The border is as wide as this part of each side: with 1/8 it is 7/16 of the area."""


def border(height: int, width: int) -> Flags:
    """Return the pixels (H, W) within 1/8 of a side from an edge, at least one pixel."""
    rows, columns = max(1, round(height / BORDER)), max(1, round(width / BORDER))
    inside = np.zeros((height, width), bool)
    inside[rows : height - rows, columns : width - columns] = True
    return ~inside


def centre(height: int, width: int) -> Flags:
    """Return the pixels (H, W) of the central half of both sides: a quarter of the area."""
    rows, columns = height // 4, width // 4
    found = np.zeros((height, width), bool)
    found[rows : height - rows, columns : width - columns] = True
    return found


def share_in(region: Flags, kept: Flags) -> Shares:
    """Return which share of the kept pixels (N, H, W) lies in ``region`` (H, W); NaN of none."""
    there = kept.sum((1, 2))
    inside = (kept & region).sum((1, 2))
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Shares = inside / there
    return found


def dilated(kept: Flags) -> Flags:
    """Return ``kept`` (N, H, W) and every pixel beside one of them, diagonally as well."""
    grown: Flags = maximum_filter(kept.astype(np.uint8), size=(1, 3, 3), mode="constant") > 0
    return grown
