"""Noise for attacks that take one small step after the other."""

from __future__ import annotations

import torch
from torch import Tensor

from roadworthy.stress.draws import BatchDraws

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
            drawn = self._rng.at(rows).singles(self._shape)
            self._stock = torch.from_numpy(drawn).to(self._like)
        self._used += 1
        return self._stock[torch.searchsorted(self._rows, rows), self._used - 1]
