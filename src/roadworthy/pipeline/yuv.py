"""RGB to 8-bit luma and chroma and back: matrices and ranges of the standards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roadworthy.types import Image

MATRICES = {"bt601": (0.299, 0.114), "bt709": (0.2126, 0.0722)}
"""What red and blue weigh in luma, Kr and Kb."""

RANGES = {"limited": (16, 219, 224), "full": (0, 255, 255)}
"""Where black lies, and how many levels luma and chroma span."""

BAND = 32
"""Rows that are worked on at once: whole planes in floats are several times slower than bands."""

Planes = NDArray[np.uint8]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Coding:
    """How luma and chroma are made of colours: a matrix and a range by name."""

    matrix: str
    range: str

    def write(self, image: Image) -> tuple[Planes, Planes]:
        """Return luma (H, W) and chroma (H, W, 2), uint8, of an RGB image (H, W, 3), rounded."""
        (kr, kb), (black, span, width) = MATRICES[self.matrix], RANGES[self.range]
        kg, u, v = 1 - kr - kb, width / (2 - 2 * kb) / 255, width / (2 - 2 * kr) / 255
        luma = [span / 255 * k for k in (kr, kg, kb)]
        of_u, of_v = (-kr * u, -kg * u, (1 - kb) * u), ((1 - kr) * v, -kg * v, -kb * v)
        colours = [image[:, :, c].astype(np.float64) for c in range(3)]
        chroma = np.empty((*image.shape[:2], 2), np.uint8)
        chroma[:, :, 0], chroma[:, :, 1] = _sum(colours, of_u, 128), _sum(colours, of_v, 128)
        return _sum(colours, luma, black), chroma

    def read(self, luma: Planes, chroma: Planes) -> Image:
        """Return the RGB image (H, W, 3), uint8, of luma (H, W) and chroma (H, W, 2), rounded."""
        (kr, kb), (black, span, width) = MATRICES[self.matrix], RANGES[self.range]
        kg, y, u, v = (
            1 - kr - kb,
            255 / span,
            (2 - 2 * kb) * 255 / width,
            (2 - 2 * kr) * 255 / width,
        )
        planes = [luma.astype(np.float64) - black]
        planes += [chroma[:, :, c].astype(np.float64) - 128 for c in range(2)]
        image = np.empty((*luma.shape, 3), np.uint8)
        for channel, weights in enumerate(((y, 0, v), (y, -kb / kg * u, -kr / kg * v), (y, u, 0))):
            image[:, :, channel] = _sum(planes, weights, 0)
        return image


def through(
    image: Image, layout: Callable[[Planes], Planes], written: Coding, read: Coding
) -> Image:
    """Return an RGB image as it comes out of luma and chroma kept in ``layout``, band by band."""
    result = np.empty_like(image, order="C")
    for top in range(0, len(image), BAND):
        luma, chroma = written.write(image[top : top + BAND])
        result[top : top + BAND] = read.read(luma, layout(chroma))
    return result


def _sum(planes: Sequence[Floats], weights: Sequence[float], offset: float) -> Planes:
    """Return the weighted sum of planes, rounded to bytes; the same bits on every machine."""
    used = [(plane, weight) for plane, weight in zip(planes, weights, strict=True) if weight]
    total = used[0][0] * used[0][1]
    for plane, weight in used[1:]:  # one by one: a library of matrices may add otherwise
        total += plane * weight
    total += offset
    result: Planes = np.clip(np.rint(total, out=total), 0, 255, out=total).astype(np.uint8)
    return result
