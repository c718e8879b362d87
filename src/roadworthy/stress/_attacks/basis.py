"""Orthonormal bases of images whose elements are products of a row and a column."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from roadworthy.stress.draws import BatchDraws

BasisName = Literal["pixel", "dct"]


@dataclass(frozen=True)
class Basis:
    """Directions of unit length, each in one channel: the products of ``rows`` and ``columns``.

    ``rows`` is (R, H), ``columns`` (S, W), both orthonormal: channels * R * S directions in all.
    """

    channels: int
    rows: Tensor
    columns: Tensor

    def __len__(self) -> int:
        return self.channels * len(self.rows) * len(self.columns)

    def moved(self, z: Tensor, which: Tensor, by: Tensor) -> Tensor:
        """Return ``z`` (N, C, H, W) moved along the directions ``which`` (N,) by lengths ``by`` (N,)."""
        along = len(self.columns)
        row, column = which // along % len(self.rows), which % along
        channel = which // (along * len(self.rows))
        change = (by[:, None] * self.rows[row])[:, :, None] * self.columns[column][:, None, :]
        new, images = z.clone(), torch.arange(len(z), device=z.device)
        new[images, channel] += change
        return new


def basis_of(name: BasisName, like: Tensor, *, frequencies: float) -> Basis:
    """Return the basis of images like those of ``like``: elements, or cosines of low frequency.

    ``frequencies`` is the part of the frequencies of either direction that cosines have.
    """
    channels, height, width = like.shape[1:]
    if name == "pixel":
        return Basis(channels, torch.eye(height).to(like), torch.eye(width).to(like))
    sides = [cosines(n, max(1, round(frequencies * n))).to(like) for n in (height, width)]
    return Basis(channels, *sides)


def cosines(size: int, count: int) -> Tensor:
    """Return the first ``count`` functions of the orthonormal discrete cosine transform, (count, size)."""
    frequency = torch.arange(count, dtype=torch.float64)[:, None]
    place = torch.arange(size, dtype=torch.float64) + 0.5
    waves = torch.cos(math.pi / size * frequency * place) * math.sqrt(2 / size)
    waves[0] /= math.sqrt(2)
    return waves


def shuffled(rng: BatchDraws, count: int, needed: int) -> Tensor:
    """Return ``needed`` numbers below ``count`` for each image, (N, needed): no number again before all.

    Every image draws its own order, and another one for each round.
    """
    rounds = -(-needed // count)
    seeds = rng.integers(0, 2**63 - 1, ()).tolist()
    table = np.empty((len(seeds), needed), np.int32)
    for row, seed in zip(table, seeds, strict=True):
        own = np.random.default_rng(seed)
        row[:] = np.concatenate([own.permutation(count) for _ in range(rounds)])[:needed]
    return torch.from_numpy(table)
