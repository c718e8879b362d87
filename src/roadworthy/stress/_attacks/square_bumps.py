"""Square's proposals in L2 and L1: bumps with two poles, into which the change elsewhere is moved."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from roadworthy.stress._attacks.square_stock import Squares, spans, window
from roadworthy.stress.draws import BatchDraws

TILES = 5
"""About so many bumps along each side of the frame at the start."""

TINY = 1e-12


@dataclass(frozen=True)
class BumpProposals:
    """Proposals under the norm of this ``order``; bumps fall off by nested squares, 1 / k**decay."""

    order: int
    decay: int

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
        bank = bumps((side,), self.order, self.decay)[:, :side, :side]
        tiles = bank[drawn[..., 0]][..., None, :, :] * (2 * drawn[..., 1:, None, None] - 1)
        field = tiles.transpose(0, 3, 1, 4, 2, 5).reshape(len(x), channels, down * side, -1)
        delta = torch.zeros_like(x)
        top, left = (height - down * side) // 2, (width - across * side) // 2
        inner = delta[:, :, top : top + down * side, left : left + across * side]
        inner.copy_(torch.from_numpy(field))
        return (x + self._of_size(delta, radius)).clamp_(0.0, 1.0)

    def propose(self, x: Tensor, radius: Tensor, best: Tensor, squares: Squares) -> Tensor:
        """Move what is in the second window, and what of the budget is unused, into the first.

        There it takes the shape of a bump of random sign, added to what was there.
        """
        delta = best - x
        first = window(squares.first, squares.side, x)
        both = first | window(squares.second, squares.side, x)
        amounts = delta.abs() ** self.order
        there = delta * first
        shape = squares.signs[..., None, None] * self._bumps(squares, x)
        shape = shape + there / self._norm(there).clamp_min(TINY)
        unused = radius**self.order - amounts.sum((1, 2, 3), keepdim=True)
        moved = unused.clamp_min(0.0) / x.shape[1] + (amounts * both).sum((3, 4), keepdim=True)
        shape = shape * (moved ** (1 / self.order) / self._norm(shape).clamp_min(TINY))
        return (x + self._of_size(torch.where(both, shape, delta), radius)).clamp_(0.0, 1.0)

    def _bumps(self, squares: Squares, x: Tensor) -> Tensor:
        """Return the bumps of the first windows in frames that are 0 elsewhere, (m, n, 1, H, W)."""
        bank = _bank(squares.sides, self.order, self.decay, x.dtype, x.device)
        nowhere = bank.shape[-1] - 1
        rows, columns = (
            torch.where(
                spans(start, squares.side, length),
                torch.arange(length, device=x.device) - start[..., None],
                nowhere,
            ).long()
            for start, length in zip(squares.first.unbind(-1), x.shape[2:], strict=True)
        )
        which = 2 * squares.kind + squares.turned
        return bank[which[..., None, None], rows[..., :, None], columns[..., None, :]].unsqueeze(2)

    def _norm(self, window: Tensor) -> Tensor:
        amounts = (window.abs() ** self.order).sum((-2, -1), keepdim=True)
        return amounts ** (1 / self.order)

    def _of_size(self, delta: Tensor, radius: Tensor) -> Tensor:
        size = (delta.abs() ** self.order).sum((-3, -2, -1), keepdim=True) ** (1 / self.order)
        return delta * (radius / size.clamp_min(TINY))


def bump(side: int, order: int, decay: int) -> NDArray[np.float64]:
    """Return a square of norm 1: a mound in its upper half and a hollow in its lower one.

    A mound is the sum of nested squares around its middle, the k-th of weight 1 / k**decay.
    """
    upper = _mound(side // 2, side, order, decay)
    lower = _mound(side - side // 2, side, order, decay)
    whole = np.concatenate([upper, -lower])
    return np.asarray(whole / np.linalg.norm(whole.ravel(), order))


def bumps(sides: tuple[int, ...], order: int, decay: int) -> NDArray[np.float64]:
    """Return the bump of each side, upright and turned, in the corners of zeros, (2 * sides, s, s)."""
    bank = np.zeros((len(sides), 2, max(sides) + 1, max(sides) + 1))
    for kind, side in zip(bank, sides, strict=True):
        kind[0, :side, :side] = bump(side, order, decay)
        kind[1, :side, :side] = kind[0, :side, :side].T
    return bank.reshape(-1, *bank.shape[2:])


@lru_cache(maxsize=8)
def _bank(
    sides: tuple[int, ...], order: int, decay: int, dtype: torch.dtype, device: torch.device
) -> Tensor:
    return torch.from_numpy(bumps(sides, order, decay)).to(device, dtype)


def _mound(height: int, width: int, order: int, decay: int) -> NDArray[np.float64]:
    if not height:
        return np.zeros((0, width))
    middle = (height // 2, width // 2)
    far = np.maximum(*(abs(np.indices((height, width))[axis] - middle[axis]) for axis in (0, 1)))
    weights = 1.0 / np.arange(1, max(middle) + 2) ** float(decay)
    mound = weights[::-1].cumsum()[::-1][far]  # an element lies in all squares from its own on
    return np.asarray(mound / np.linalg.norm(mound.ravel(), order))
