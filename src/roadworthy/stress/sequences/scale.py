"""A slow approach: the picture grows about its middle, as in ImageNet-P."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from roadworthy.errors import UsageError
from roadworthy.stress._kernels.affine import inverse_affine, sampled
from roadworthy.stress._kernels.timeline import check_sequence
from roadworthy.stress.base import sequence
from roadworthy.types import Image

_IMAGENET = {"frames": 31, "start": 0.4, "step": 0.025}
_LOWEST, _HIGHEST = 0.01, 100.0


def _check(arguments: Mapping[str, Any]) -> None:
    check_sequence("scale", arguments, start=(_LOWEST, _HIGHEST), step=(-1, 1))
    given = {**_IMAGENET, **arguments}
    last = given["start"] + given["step"] * (given["frames"] - 1)
    if not _LOWEST <= last <= _HIGHEST:
        raise UsageError(
            f"scale: frames={given['frames']}, start={given['start']:g} and step={given['step']:g} "
            f"end at a factor of {last:g}; factors are {_LOWEST:g} to {_HIGHEST:g}"
        )


@sequence(
    tables={
        224: _IMAGENET,
        299: _IMAGENET,
        64: _IMAGENET,
        32: {"frames": 31, "start": 0.7, "step": 0.02},
    },
    check=_check,
    paper="Hendrycks & Dietterich, ICLR 2019",
)
def scale(image: Image, *, frames: int, start: float, step: float) -> Iterator[Image]:
    """Yield ``image`` at the factors ``start``, ``start`` + ``step``, ... of its size.

    ``image`` is the resized, uncropped picture, uint8 (H, W, 3); so is each frame: bilinear, truncated
    to 8 bits, black outside the picture. The published factors are 0.40 to 1.15, for CIFAR 0.70 to
    1.30. The published sequences of 299 pixels scale the crop, so that its border is black from a
    factor below 1 on; here it is the resized picture at every size. Hendrycks & Dietterich, ICLR 2019.
    """
    height, width = image.shape[:2]
    factors = (start + step * i for i in range(frames))
    return sampled(image, (inverse_affine(height, width, scale=f) for f in factors))
