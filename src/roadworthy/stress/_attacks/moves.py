"""Rotating and shifting images: the changes that spatial attacks choose from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from roadworthy.stress.draws import BatchDraws

Floats = NDArray[np.float64]
Padding = Literal["zeros", "reflection"]


@dataclass(frozen=True)
class Moves:
    """Moves in turn, (P, N, 3): degrees against the clock, then right and down in parts of the frame.

    N is 1 where all images have the same moves.
    """

    values: Floats

    def __len__(self) -> int:
        return len(self.values)

    def of(self, turn: int, rows: Tensor) -> Floats:
        """Return move ``turn`` of the images ``rows``, (N, 3), or (1, 3) where it is one for all."""
        move: Floats = self.values[turn]
        return move if len(move) == 1 else move[rows.cpu().numpy()]

    def said(self, turn: int, image: int) -> str:
        """Return move ``turn`` of an image in words for the records."""
        degrees, right, down = self.values[turn, image if self.values.shape[1] > 1 else 0]
        return f"rotation={degrees:.4g},right={right:.4g},down={down:.4g}"


def grid_moves(rotation: float, translation: float, rotations: int, shifts: int) -> Moves:
    """Return ``rotations`` evenly spaced angles with ``shifts`` by ``shifts`` shifts each.

    Both go from minus to plus the largest; a single one is 0.
    """
    angles, steps = _evenly(rotation, rotations), _evenly(translation, shifts)
    found = [(angle, right, down) for angle in angles for right in steps for down in steps]
    return Moves(np.array(found)[:, None])


def drawn_moves(rotation: float, translation: float, count: int, rng: BatchDraws) -> Moves:
    """Return ``count`` moves of each image, drawn uniformly between minus and plus the largest."""
    drawn = rng.uniform(-1.0, 1.0, (count, 3)).swapaxes(0, 1)
    return Moves(drawn * np.array([rotation, translation, translation]))


def moved(x: Tensor, move: Floats, padding: Padding) -> Tensor:
    """Return images (N, C, H, W) rotated about their centre, then shifted, by bilinear sampling.

    ``move`` is (N, 3) or, for all alike, (1, 3), as in `Moves`. What comes from outside the frame is
    black, or with ``reflection`` mirrored at its edge. A move of nothing changes no bit.
    """
    where = torch.from_numpy(_sources(move, x.shape[2], x.shape[3])).to(x)
    found = functional.grid_sample(
        x, where.expand(len(x), -1, -1, -1), padding_mode=padding, align_corners=False
    )
    still = torch.from_numpy(~move.any(axis=1)).to(x.device).view(-1, 1, 1, 1)
    return torch.where(still, x, found.clamp_(0.0, 1.0))


def _sources(move: Floats, height: int, width: int) -> Floats:
    """Return which point of the image each pixel comes from, (N, H, W, 2), -1 to 1 over the frame."""
    angle = np.radians(move[:, 0])[:, None, None]
    right = (np.arange(width) + 0.5 - width / 2) - move[:, 1, None, None] * width
    down = (np.arange(height) + 0.5 - height / 2)[:, None] - move[:, 2, None, None] * height
    across = np.cos(angle) * right - np.sin(angle) * down
    along = np.sin(angle) * right + np.cos(angle) * down
    return np.stack([across * 2 / width, along * 2 / height], axis=-1)


def _evenly(largest: float, count: int) -> list[float]:
    half = (count - 1) / 2  # so that the middle is exactly 0
    return [(i - half) / half * largest for i in range(count)] if count > 1 else [0.0]
