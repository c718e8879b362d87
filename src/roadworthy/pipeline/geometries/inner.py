"""The central 7/8 of the picture, straight to the frame, as Inception networks were fed."""

from __future__ import annotations

from roadworthy.pipeline.stages import Fit, Part, geometry, middle

KEPT = 0.875


def part(height: int, width: int, fit: Fit) -> Part:
    """Return the central 7/8 of both sides, rounded half to even."""
    del fit
    kept = [max(1, round(KEPT * side)) for side in (height, width)]
    return middle(height, kept[0]), middle(width, kept[1]), kept[0], kept[1]


@geometry(part=part)
def inner(height: int, width: int, fit: Fit) -> tuple[int, int]:
    """Return the frame's size (H, W): the centre, 7/8 of each side, is resized to it.

    ``crop`` and ``resize_to`` play no part, and the aspect is given up. The 299-pixel variant of
    ImageNet-C was made so (Hendrycks & Dietterich, ICLR 2019).
    """
    del height, width
    assert fit.size is not None
    return fit.size
