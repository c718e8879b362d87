"""How many units go in each step of a removal."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from roadworthy.stress._subsets.removal import MOST_STEPS

Kind = Literal["constant", "geometric"]
Auto = Literal["auto"]

SMALL_FRAME = 64 * 64
"""Pixels up to which they go one by one where nothing is said."""

TOGETHER = 100
"""Pixels that go together on larger frames, as published."""

RATES = {True: 0.05, False: 0.2}
"""Share of the pixels that go together under a geometric schedule where nothing is said: of small
frames, and of larger ones. With averaged slopes either finds smaller subsets than the published
schedule, in a tenth of its steps."""

DECAYS: dict[Kind, float] = {"constant": 0.0, "geometric": 0.9}
"""How much of earlier slopes counts where nothing is said."""


@dataclass(frozen=True)
class Schedule:
    """A schedule: ``k`` units a step, or a share of those left; the last are tried one by one.

    When ``exact_from`` units are left, every candidate is tried, and one goes at a time. Slopes are
    averaged over steps: each counts ``decay`` times as much as the one after it.
    """

    kind: Kind
    k: int
    rate: float
    decay: float
    exact_from: int

    def sizes(self, left: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return how many units go next where so many are ``left`` (N,), at least 1."""
        if self.kind == "constant":
            wanted = np.minimum(self.k, left)
        else:
            wanted = np.ceil(left * self.rate - 1e-9).astype(np.int64)
        # a step ends where trying begins, so that just as many are left to try
        before = np.where(left > self.exact_from, left - self.exact_from, 1)
        return np.maximum(1, np.minimum(wanted, before))

    def steps(self, units: int) -> tuple[int, int]:
        """Return in how many steps so many units go by slopes, and in how many by trying."""
        least = min(units, self.exact_from)
        if self.kind == "constant":
            return -(-(units - least) // self.k), least
        left, count = np.array([units]), 0
        while left[0] > least:
            left, count = left - self.sizes(left), count + 1
        return count, least


def together(k: int | Auto, units: int) -> int:
    """Return how many units go in one step on a frame of so many."""
    if k != "auto":
        return k
    return 1 if units <= SMALL_FRAME else max(TOGETHER, math.ceil(units / MOST_STEPS))


def rate_of(rate: float | None, units: int) -> float:
    """Return the share of what is left that goes in one step on a frame of so many units."""
    return RATES[units <= SMALL_FRAME] if rate is None else rate
