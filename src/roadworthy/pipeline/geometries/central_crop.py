"""The central fraction of both sides, straight to the frame, as TF-slim evaluates Inception."""

from __future__ import annotations

from roadworthy.pipeline.stages import Fit, Part, geometry


def part(height: int, width: int, fit: Fit) -> Part:
    """Return the central ``crop`` of both sides as tf.image.central_crop has it: margins truncated."""
    top, left = (int((side - side * fit.crop) / 2) for side in (height, width))
    return top, left, max(1, height - 2 * top), max(1, width - 2 * left)


@geometry(part=part, crops=True)
def central_crop(height: int, width: int, fit: Fit) -> tuple[int, int]:
    """Return the frame's size (H, W): the centre, ``crop`` of each side, is resized to it.

    The aspect is given up and ``resize_to`` plays no part. What is cut off each side is truncated to
    whole pixels, so that at least the fraction is kept; ``inner`` rounds what is kept instead.
    """
    del height, width
    assert fit.size is not None
    return fit.size
