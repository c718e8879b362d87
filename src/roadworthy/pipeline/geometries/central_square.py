"""The central square of size / (size + 32) of the shorter side, as EfficientNet was evaluated."""

from __future__ import annotations

import numpy as np

from roadworthy.pipeline.stages import Fit, Part, geometry

PADDING = 32
"""Pixels by which the frame is smaller than the shorter side would be at the same scale."""


def part(height: int, width: int, fit: Fit) -> Part:
    """Return the central square: its side truncated, its offset rounded up."""
    assert fit.size is not None
    size = min(fit.size)
    # As TensorFlow multiplies, in float32: a product just below a whole number may round up to it.
    side = int(np.float32(size / (size + PADDING)) * np.float32(min(height, width)))
    side = max(1, side)
    return (height - side + 1) // 2, (width - side + 1) // 2, side, side


@geometry(part=part)
def central_square(height: int, width: int, fit: Fit) -> tuple[int, int]:
    """Return the frame's size (H, W), to which the central square is resized.

    The square is size / (size + 32) of the shorter side, whatever ``crop`` and ``resize_to`` say:
    7/8 for 224 pixels, more for larger frames. Tan & Le, EfficientNet, ICML 2019.
    """
    del height, width
    assert fit.size is not None
    return fit.size
