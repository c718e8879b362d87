"""Noise whose law depends on the pixel: for each of 256 levels, an alias table of 256 outcomes."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from roadworthy.stress._noise.bits import random_bytes
from roadworthy.stress._noise.lookup import lookup
from roadworthy.types import Image

Floats = NDArray[np.float64]
ROUNDING = 1e-11


@dataclass(frozen=True)
class Channel:
    """A law on 256 outcomes for each of 256 levels, to draw from with two bytes a value.

    The first byte chooses an outcome, which stays with the probability ``share`` and gives way to
    the ``other`` of its cell else. The second byte decides: below ``whole`` it stays, above it does
    not; at ``whole``, one in 256, a fine number decides by ``part``. All of shape (65536,), by
    256·level + outcome. A. J. Walker, ACM TOMS 1977.
    """

    whole: NDArray[np.uint8]
    part: Floats
    other: NDArray[np.uint8]

    def send(self, image: Image, stream: np.random.Generator) -> Image:
        """Return what becomes of ``image``, contiguous and of any shape, each value by itself."""
        plane = image.reshape(image.shape[0], -1)
        first, second = random_bytes(stream, 2, *plane.shape)
        cell = _cell(plane, first)
        whole, result = lookup(self.whole, cell), lookup(self.other, cell)
        stays = second < whole
        rare = np.flatnonzero(second == whole)
        stays.reshape(-1)[rare] = stream.random(rare.size) < self.part[cell.reshape(-1)[rare]]
        cv2.copyTo(first, stays.view(np.uint8), result)
        return result.reshape(image.shape)


def channel(at_least: Floats) -> Channel:
    """Return the channel where ``at_least[p, j]`` is the chance that level p becomes j + 1 or more.

    ``at_least`` has shape (256, 255) and falls along its rows.
    """
    return _alias(_law(at_least))


def _law(at_least: Floats) -> Floats:
    ends = np.pad(at_least, ((0, 0), (1, 1)), constant_values=((0, 0), (1, 0)))
    probability = np.maximum(ends[:, :-1] - ends[:, 1:], 0)
    return np.asarray(probability / probability.sum(1, keepdims=True))


def _cell(plane: Image, byte: Image) -> NDArray[np.uint16]:
    """Return 256·level + byte, by laying the two side by side."""
    return np.asarray(cv2.merge([byte, plane])).view("<u2")[..., 0]


def _alias(probability: Floats) -> Channel:
    share, other = _aliases(256 * probability)
    whole = np.minimum(np.floor(256 * share), 255)
    return Channel(
        whole.astype(np.uint8).reshape(-1),
        (256 * share - whole).reshape(-1),
        other.astype(np.uint8).reshape(-1),
    )


def _aliases(mass: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """Return how much of each cell its own outcome keeps, and which outcome fills it up.

    ``mass`` is the probability of each outcome in cells, in rows that sum to their length.
    """
    rows = np.arange(len(mass))
    share = np.ones_like(mass)
    other = np.tile(np.arange(mass.shape[1]), (len(mass), 1))
    for _ in range(mass.shape[1]):
        poor, rich = mass.argmin(1), mass.argmax(1)
        has = mass[rows, poor]
        # Rounding errors stay where they are: a cell that is done must not become the giver.
        open_ = rows[has < 1 - ROUNDING]
        if not open_.size:
            break
        poor, rich, has = poor[open_], rich[open_], has[open_]
        share[open_, poor], other[open_, poor] = has, rich
        mass[open_, rich] -= 1 - has
        mass[open_, poor] = 1
    return share, other
