"""What the Square attack needs in every norm: its schedule, its draws, the places of its squares."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
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
    """The squares of m proposals for each of n images, whole numbers.

    ``side`` and ``turned`` (0 or 1) are (m, n), the corners ``first`` and ``second`` (m, n, 2), row
    and column, ``signs`` (m, n, C).
    """

    side: Tensor
    first: Tensor
    second: Tensor
    turned: Tensor
    signs: Tensor

    def by_side(self) -> Iterator[tuple[int, Tensor, Squares]]:
        """Yield each side with the positions in m * n of its squares (k,), and these, (k, ...)."""
        fields = (self.side, self.first, self.second, self.turned, self.signs)
        every = Squares(*(t.flatten(0, 1) for t in fields))
        different = sorted(set(every.side.tolist()))
        if len(different) == 1:  # as nearly always
            yield different[0], torch.arange(len(every.side), device=every.side.device), every
            return
        for side in different:
            rows = (every.side == side).nonzero().squeeze(1)
            yield side, rows, Squares(*(t.flatten(0, 1)[rows] for t in fields))


class Proposals(Protocol):
    """How squares change an image in one norm; ``radius`` is (n, 1, 1, 1), batches are contiguous."""

    def side(self, fraction: float, height: int, width: int) -> int:
        """Return the side of a square that covers ``fraction`` of the frame."""

    def start(self, x: Tensor, radius: Tensor, rng: BatchDraws) -> Tensor:
        """Return where to begin."""

    def propose(self, x: Tensor, radius: Tensor, best: Tensor, squares: Squares) -> Tensor:
        """Return ``best`` changed by each of its squares, (m * n, C, H, W), all n after all n."""


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
        self._shape = (DRAWN + channels,)
        size = (count, len(sides), 1 + DRAWN + channels)
        self._table = torch.empty(size, dtype=torch.int32, device=like.device)
        self._drawn = 0

    def take(self, rows: Tensor, tried: Tensor, ahead: int, furthest: int) -> Squares:
        """Return ``ahead`` squares of the images ``rows`` (n,), the first after ``tried`` (n,).

        ``furthest`` is at least the largest of ``tried``.
        """
        while self._drawn < min(furthest + ahead, len(self._each)):
            self._draw(rows)
        steps = torch.arange(ahead, device=rows.device)[:, None] + tried
        drawn = self._table[rows, steps].long()
        return Squares(
            side=drawn[..., 0],
            first=drawn[..., 1:3],
            second=drawn[..., 3:5],
            turned=drawn[..., 5],
            signs=drawn[..., 6:],
        )

    def _draw(self, rows: Tensor) -> None:
        block = slice(self._drawn, min(self._drawn + BLOCK, len(self._each)))
        side = self._each[block]
        left = [self._generators[i] for i in rows.tolist()]
        drawn = np.stack([g.random((len(side), *self._shape)) for g in left])
        room = np.maximum(np.array(self._frame)[None] - side[:, None], 1)  # (block, 2)
        corners = np.floor(drawn[..., :4] * np.tile(room, 2))
        turned, signs = drawn[..., 4:5] < 0.5, np.where(drawn[..., 5:] < 0.5, -1.0, 1.0)
        sizes = np.broadcast_to(side[:, None], (len(rows), len(side), 1))
        table = np.concatenate([sizes, corners, turned, signs], axis=-1, dtype=np.float64)
        self._table[rows, block] = torch.from_numpy(table.astype(np.int32)).to(rows.device)
        self._drawn = block.stop


def places(images: Tensor, corner: Tensor, side: int, shape: torch.Size) -> Tensor:
    """Return where the elements of squares are in a flattened batch of ``shape``, (k, C, side**2).

    The k squares have their corners (k, 2) in the images (k,).
    """
    channels, height, width = shape[1:]
    along = torch.arange(side, device=corner.device)
    rows, columns = corner[:, :1] + along, corner[:, 1:] + along
    inside = (rows[:, :, None] * width + columns[:, None, :]).flatten(1)
    planes = images[:, None] * channels + torch.arange(channels, device=corner.device)
    return planes[..., None] * (height * width) + inside[:, None]
