"""The light goes up slowly, as in ImageNet-P."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from roadworthy.stress._kernels.timeline import check_sequence, from_middle
from roadworthy.stress.base import sequence
from roadworthy.stress.corruptions.brightness import brightness
from roadworthy.types import Image

_IMAGENET = {"frames": 31, "step": 0.02}


def _check(arguments: Mapping[str, Any]) -> None:
    check_sequence("brightness_sequence", arguments, step=(-1, 1))


@sequence(
    tables={224: _IMAGENET, 299: _IMAGENET, 64: _IMAGENET, 32: {"frames": 31, "step": 0.015}},
    check=_check,
    paper="Hendrycks & Dietterich, ICLR 2019",
)
def brightness_sequence(image: Image, *, frames: int, step: float) -> Iterator[Image]:
    """Yield ``image`` brighter by ``step`` in each frame, from dark to light.

    ``image`` is uint8 (H, W, 3); so is each frame. Frame i of T has (i - (T - 1) // 2) * ``step``, in
    units of the full range, added to the value of HSV, as the corruption ``brightness`` does: -0.3 to
    0.3 in the published 31 frames. Hendrycks & Dietterich, ICLR 2019.
    """
    for frame in range(frames):
        yield brightness.function(image, amount=from_middle(frame, frames) * step)
