"""Square's proposals in L2 and L1: bumps with two poles, into which the change elsewhere is moved."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from roadworthy.stress._attacks.square_stock import Squares, places
from roadworthy.stress.draws import BatchDraws

TILES = 5
"""About so many bumps along each side of the frame at the start."""

TINY = 1e-12

Fit = Callable[[Tensor, Tensor, Tensor], Tensor]
"""From images, changed images (N, C, H, W) and radii (N, 1, 1, 1) to points in both ball and box."""


def stretched(x: Tensor, z: Tensor, radius: Tensor) -> Tensor:
    """Return ``z`` with its Euclidean distance to ``x`` brought to the radius, clipped to the box."""
    delta = z - x
    size = torch.linalg.vector_norm(delta.flatten(1), dim=1).clamp_min(TINY)
    return delta.mul_(radius / size.view(-1, 1, 1, 1)).add_(x).clamp_(0.0, 1.0)


@dataclass(frozen=True)
class BumpProposals:
    """Proposals under the norm of this ``order``; bumps fall off by nested squares, 1 / k**decay.

    ``fit`` brings a proposal into ball and box. ``pooled`` gives the bump of each channel what is
    in the two windows of all channels, as the published code does under L1: fitting then leaves
    few pixels changed, each by much.
    """

    order: int
    decay: int
    fit: Fit = stretched
    pooled: bool = False

    def side(self, fraction: float, height: int, width: int) -> int:
        """Return the rounded side, odd and at least 3, at most the shorter side of the frame."""
        side = max(round(math.sqrt(fraction * height * width)), 3)
        return min(side + 1 - side % 2, height, width)

    def start(self, x: Tensor, radius: Tensor, rng: BatchDraws) -> Tensor:
        """Return tiles of bumps, each turned at random and each channel with a sign of its own."""
        channels, height, width = x.shape[1:]
        side = max(min(height, width) // TILES, 1)
        down, across = height // side, width // side
        drawn = rng.integers(0, 2, (down, across, 1 + channels))
        upright = bump(side, self.order, self.decay)
        tiles = np.stack([upright, upright.T])[drawn[..., 0]][..., None, :, :] * (
            2 * drawn[..., 1:, None, None] - 1
        )
        field = tiles.transpose(0, 3, 1, 4, 2, 5).reshape(len(x), channels, down * side, -1)
        delta = torch.zeros_like(x)
        top, left = (height - down * side) // 2, (width - across * side) // 2
        inner = delta[:, :, top : top + down * side, left : left + across * side]
        inner.copy_(torch.from_numpy(field))
        return self.fit(x, x + delta, radius)

    def propose(self, x: Tensor, radius: Tensor, best: Tensor, squares: Squares) -> Tensor:
        """Move what is in the second window, and what of the budget is unused, into the first.

        There it takes the shape of a bump of random sign, added to what was there.
        """
        delta = best - x
        unused = (
            radius.view(-1, 1) ** self.order - self._norm(delta.flatten(1)) ** self.order
        ).clamp_min(0.0)
        new = delta.repeat(len(squares.side), 1, 1, 1)
        for side, rows, some in squares.by_side():
            first, second = (
                places(rows, corner, side, new.shape) for corner in (some.first, some.second)
            )
            old, other = new.view(-1)[first], new.view(-1)[second]
            other = other.masked_fill(_overlap(some.first, some.second, side)[:, None], 0.0)
            inside = self._norm(old) ** self.order + self._norm(other) ** self.order
            inside = inside.sum(1, keepdim=True) if self.pooled else inside
            moved = unused[rows % len(x)][..., None] / x.shape[1] + inside
            bank = _bank(side, self.order, self.decay, x.dtype, x.device)
            shape = some.signs[..., None] * bank[some.turned][:, None]
            shape = shape + old / self._norm(old).clamp_min(TINY)
            new.view(-1)[second] = 0.0
            new.view(-1)[first] = shape * (
                moved ** (1 / self.order) / self._norm(shape).clamp_min(TINY)
            )
        times = (len(squares.side), 1, 1, 1)
        around = x.repeat(times)
        return self.fit(around, new.add_(around), radius.repeat(times))

    def _norm(self, values: Tensor) -> Tensor:
        norm: Tensor = torch.linalg.vector_norm(values, self.order, dim=-1, keepdim=True)
        return norm


def _overlap(first: Tensor, second: Tensor, side: int) -> Tensor:
    """Return which elements of the second squares are in the first ones too, (k, side**2)."""
    along = torch.arange(side, device=first.device) + (second - first)[..., None]  # (k, 2, side)
    common = (along >= 0) & (along < side)
    return (common[:, 0, :, None] & common[:, 1, None, :]).flatten(1)


def bump(side: int, order: int, decay: int) -> NDArray[np.float64]:
    """Return a square of norm 1: a mound in its upper half and a hollow in its lower one.

    A mound is the sum of nested squares around its middle, the k-th of weight 1 / k**decay.
    """
    upper = _mound(side // 2, side, order, decay)
    lower = _mound(side - side // 2, side, order, decay)
    whole = np.concatenate([upper, -lower])
    return np.asarray(whole / np.linalg.norm(whole.ravel(), order))


@lru_cache(maxsize=64)
def _bank(side: int, order: int, decay: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return the bump of a side upright and turned, flattened, (2, side**2)."""
    upright = bump(side, order, decay)
    both = np.stack([upright.ravel(), upright.T.ravel()])
    return torch.from_numpy(both).to(device, dtype)


def _mound(height: int, width: int, order: int, decay: int) -> NDArray[np.float64]:
    if not height:
        return np.zeros((0, width))
    middle = (height // 2, width // 2)
    far = np.maximum(*(abs(np.indices((height, width))[axis] - middle[axis]) for axis in (0, 1)))
    weights = 1.0 / np.arange(1, max(middle) + 2) ** float(decay)
    mound = weights[::-1].cumsum()[::-1][far]  # an element lies in all squares from its own on
    return np.asarray(mound / np.linalg.norm(mound.ravel(), order))
