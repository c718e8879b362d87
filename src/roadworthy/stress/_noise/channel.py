"""Noise whose law depends on the pixel: for each of 256 levels, an alias table of 256 outcomes."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from roadworthy.stress._noise.bits import random_bytes
from roadworthy.stress._noise.lookup import lookup, where_rare
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
        rare = where_rare(second == whole)
        stays.reshape(-1)[rare] = stream.random(rare.size) < self.part[cell.reshape(-1)[rare]]
        cv2.copyTo(first, stays.view(np.uint8), result)
        return result.reshape(image.shape)


@dataclass(frozen=True)
class Table:
    """The same for laws with few likely outcomes: one byte a value is enough for most.

    Every outcome has as many of its level's 256 cells as its probability fills; ``last`` is the last
    of them, (256,). Bytes beyond it stand for the ``rest``, what is left of every probability.
    """

    outcome: NDArray[np.uint8]
    last: NDArray[np.uint8]
    rest: Channel

    def send(self, image: Image, stream: np.random.Generator) -> Image:
        """Return what becomes of ``image``, contiguous and of any shape, each value by itself."""
        plane = image.reshape(image.shape[0], -1)
        byte = random_bytes(stream, *plane.shape)
        result = lookup(self.outcome, _cell(plane, byte))
        rare = where_rare(byte > np.asarray(cv2.LUT(plane, self.last[None])))
        if rare.size:
            again = plane.reshape(-1)[rare]
            result.reshape(-1)[rare] = self.rest.send(again[None], stream)[0]
        return result.reshape(image.shape)


def channel(at_least: Floats) -> Channel:
    """Return the channel where ``at_least[p, j]`` is the chance that level p becomes j + 1 or more.

    ``at_least`` has shape (256, 255) and falls along its rows.
    """
    return _alias(_law(at_least))


def table(at_least: Floats) -> Table:
    """Return what ``channel`` does, for laws that are narrow."""
    share = 256 * _law(at_least)
    cells = np.floor(share).astype(np.int64)
    outcome = np.zeros((256, 256), np.uint8)
    for level, count in enumerate(cells):
        outcome[level, : count.sum()] = np.repeat(np.arange(256), count)
    left = share - cells
    # A law that fits its cells leaves nothing, of which no law can be made: any will do.
    left[left.sum(1) == 0] = 1
    rest = _alias(left / left.sum(1, keepdims=True))
    return Table(outcome.reshape(-1), (cells.sum(1) - 1).astype(np.uint8), rest)


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
