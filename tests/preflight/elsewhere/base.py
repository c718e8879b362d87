"""What a pipeline from elsewhere is, and what its author knows about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
HALF = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
CLIP = ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))
NONE = ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))

L0 = (
    *("opencv-linear", "opencv-linear-exact", "torch-bilinear", "torchvision-bilinear"),
    *("skimage-bilinear", "tensorflow-bilinear"),
)
L1 = (
    *("pillow-bilinear", "torch-bilinear-antialias", "torchvision-bilinear-antialias"),
    *("tensorflow-bilinear-antialias",),
)
C0 = ("opencv-cubic", "torch-bicubic", "torchvision-bicubic")
C1 = (
    *("pillow-bicubic", "torch-bicubic-antialias", "torchvision-bicubic-antialias"),
    *("tensorflow-bicubic-antialias",),
)
LIBJPEG = ("pillow", "opencv", "torchvision", "simplejpeg", "imagecodecs", "pyvips", "kornia-turbo")


@dataclass(frozen=True)
class Elsewhere:
    """A pipeline: ``make`` builds it, the rest is what it does, in our names.

    ``resize`` lists the names of the same filter. Parts that are None were not written down.
    """

    name: str
    make: Callable[[], Any]
    resize: tuple[str, ...]
    geometry: str
    normalisation: tuple[tuple[float, ...], tuple[float, ...]]
    size: tuple[int, int] = (224, 224)
    colour: str = "rgb"
    orient: str = "ignore"
    decoder: tuple[str, ...] = LIBJPEG
