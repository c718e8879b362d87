"""Noise for attacks that take one small step after the other."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from roadworthy.models.chunks import bounds, each_at_once
from roadworthy.models.threads import all_threads
from roadworthy.stress.draws import BatchDraws, Singles

AT_ONCE = 2**16
"""Numbers drawn for an image at once: to begin a draw takes as long as a few thousand numbers."""

STEPS = 16
"""Never for more steps than so many."""


class DrawnAhead:
    """Standard normal numbers of ``shape`` for each image and step, drawn for several steps at once.

    Every image draws from its own generator, so that it gets the same whoever else is left.
    """

    def __init__(self, rng: BatchDraws, shape: tuple[int, ...], like: Tensor) -> None:
        self._rng, self._like = rng, like
        self._steps = max(1, min(STEPS, AT_ONCE // torch.Size(shape).numel()))
        self._shape = (self._steps, *shape)
        self._rows, self._stock = torch.zeros(0), torch.zeros(0)
        self._used = self._steps

    def next(self, rows: Tensor) -> Tensor:
        """Return the numbers of the next step for the images ``rows`` (n,), ascending; (n, *shape).

        Images that were left out once have left for good.
        """
        if self._used == self._steps:
            self._rows, self._used = rows, 0
            self._stock = torch.from_numpy(self._drawn(rows)).to(self._like)
        self._used += 1
        step = self._stock[:, self._used - 1]
        return step if rows is self._rows else step[torch.searchsorted(self._rows, rows)]

    def _drawn(self, rows: Tensor) -> Singles:
        """Return the numbers of the next steps for the images ``rows``, (n, steps, *shape)."""
        each = self._rng.at(rows).each
        stock = np.empty((len(each), *self._shape), np.float32)

        def draw(run: tuple[int, int]) -> None:
            for index in range(*run):
                stock[index] = each[index].normal_field(self._shape)

        with all_threads():
            each_at_once(draw, bounds(len(each), torch.get_num_threads()))
        return stock
