"""What the Square attack needs in every norm: its schedule, its draws, how far it looks ahead."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from roadworthy.stress.draws import BatchDraws

HALVED_AFTER = (10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000)
"""The iterations after which the area of the squares is halved, for about 10,000 queries."""

BLOCK = 256
"""Proposals drawn in one go for an image."""

DRAWN = 5
"""Numbers drawn for a proposal beside the signs of its channels: two corners, and which way up."""


def fractions(count: int, initial: float, *, queries: int | None) -> NDArray[np.float64]:
    """Return the part of the frame that the square of each of ``count`` iterations covers.

    With ``queries`` the published schedule of 10,000 is stretched or shrunk to so many.
    """
    at = [i if queries is None else i * 10_000 // queries for i in range(count)]
    return np.array([initial / 2 ** bisect_left(HALVED_AFTER, i) for i in at])


@dataclass(frozen=True)
class Squares:
    """The squares of m proposals for each of n images: sides, corners (row, column) and signs.

    ``side`` and ``turned`` are (m, n), ``first`` and ``second`` (m, n, 2), ``signs`` (m, n, C);
    ``kind`` (m, n) is the position of a side in ``sides``, all that there are.
    """

    side: Tensor
    kind: Tensor
    first: Tensor
    second: Tensor
    turned: Tensor
    signs: Tensor
    sides: tuple[int, ...]


class Proposals(Protocol):
    """How squares change an image in one norm; ``radius`` is (n, 1, 1, 1)."""

    def side(self, fraction: float, height: int, width: int) -> int:
        """Return the side of a square that covers ``fraction`` of the frame."""

    def start(self, x: Tensor, radius: Tensor, rng: BatchDraws) -> Tensor:
        """Return where to begin."""

    def propose(self, x: Tensor, radius: Tensor, best: Tensor, squares: Squares) -> Tensor:
        """Return ``best`` changed by each of its squares, (m, n, C, H, W)."""


class Stock:
    """The squares of all proposals, drawn ahead for each image from a generator of its own.

    The draws of an image are a fixed function of its generator and the iteration; what a search
    does not come to ask for is thrown away.
    """

    def __init__(self, rng: BatchDraws, sides: NDArray[np.int64], like: Tensor) -> None:
        count, channels, *self._frame = like.shape
        # Children, so that the generators go on the same however many blocks are drawn.
        seeds = rng.integers(0, 2**63 - 1, ()).tolist()
        self._generators = [np.random.default_rng(seed) for seed in seeds]
        self._each = sides
        kinds, self._kind = np.unique(sides, return_inverse=True)
        self._sides = tuple(kinds.tolist())
        self._shape = (DRAWN + channels,)
        width = 2 + DRAWN + channels
        self._table = torch.empty((count, len(sides), width), dtype=torch.float32)
        self._table = self._table.to(like.device)
        self._drawn = 0

    def take(self, rows: Tensor, tried: Tensor, ahead: int, furthest: int) -> Squares:
        """Return ``ahead`` squares of the images ``rows`` (n,), the first after ``tried`` (n,).

        ``furthest`` is at least the largest of ``tried``.
        """
        while self._drawn < min(furthest + ahead, len(self._each)):
            self._draw(rows)
        steps = torch.arange(ahead, device=rows.device)[:, None] + tried
        drawn = self._table[rows, steps]
        return Squares(
            side=drawn[..., 0],
            kind=drawn[..., 1].long(),
            first=drawn[..., 2:4],
            second=drawn[..., 4:6],
            turned=drawn[..., 6].long(),
            signs=drawn[..., 7:],
            sides=self._sides,
        )

    def _draw(self, rows: Tensor) -> None:
        block = slice(self._drawn, min(self._drawn + BLOCK, len(self._each)))
        side, kind = self._each[block], self._kind[block]
        left = [self._generators[i] for i in rows.tolist()]
        drawn = np.stack([g.random((len(side), *self._shape)) for g in left])
        room = np.maximum(np.array(self._frame)[None] - side[:, None], 1)  # (block, 2)
        corners = np.floor(drawn[..., :4] * np.tile(room, 2))
        turned, signs = drawn[..., 4:5] < 0.5, np.where(drawn[..., 5:] < 0.5, -1.0, 1.0)
        sizes = np.broadcast_to(np.stack([side, kind], axis=-1), (len(rows), len(side), 2))
        table = np.concatenate([sizes, corners, turned, signs], axis=-1, dtype=np.float32)
        self._table[rows, block] = torch.from_numpy(table).to(self._table.device)
        self._drawn = block.stop


def spans(start: Tensor, side: Tensor, length: int) -> Tensor:
    """Return which of ``length`` positions lie in intervals of ``side`` from ``start``, (..., length)."""
    at = torch.arange(length, device=start.device) - start[..., None]
    return (at >= 0) & (at < side[..., None])


def window(corner: Tensor, side: Tensor, like: Tensor) -> Tensor:
    """Return the masks (m, n, 1, H, W) of squares in the frame of ``like``."""
    rows = spans(corner[..., 0], side, like.shape[-2])
    columns = spans(corner[..., 1], side, like.shape[-1])
    return (rows[..., :, None] & columns[..., None, :]).unsqueeze(2)
