"""A slow horizontal pan, one pixel a frame, as in ImageNet-P."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from roadworthy.stress._kernels.timeline import check_sequence, from_middle
from roadworthy.stress.base import sequence
from roadworthy.types import Image


def _check(arguments: Mapping[str, Any]) -> None:
    check_sequence("translate", arguments)


@sequence(
    tables={224: {"frames": 41}, 299: {"frames": 41}, 64: {"frames": 31}, 32: {"frames": 16}},
    check=_check,
    paper="Hendrycks & Dietterich, ICLR 2019",
)
def translate(image: Image, *, frames: int) -> Iterator[Image]:
    """Yield ``image`` moved sideways by one pixel more in each frame, centred on no shift.

    ``image`` is the resized, uncropped picture, uint8 (H, W, 3), so that the crop sees real content
    where the margin allows; what lies outside the picture is black. Frame i of T is shifted right by
    i - (T - 1) // 2 pixels; ImageNet-P has 41 frames, Tiny 31, CIFAR-P 16.
    Hendrycks & Dietterich, ICLR 2019.
    """
    for frame in range(frames):
        yield _shifted(image, from_middle(frame, frames))


def _shifted(image: Image, pixels: int) -> Image:
    width = image.shape[1]
    shift = max(-width, min(width, pixels))
    moved = np.zeros_like(image)
    if shift >= 0:
        moved[:, shift:] = image[:, : width - shift]
    else:
        moved[:, :shift] = image[:, -shift:]
    return moved
