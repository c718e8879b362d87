"""Paired verdicts: which images changed sides, whether by chance, and what would have been noticed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from roadworthy.errors import UsageError

POWERED = 7.84
"""(1.96 + 0.84) squared: for a chance of 80 % to find a difference at the level of 5 %."""


@dataclass(frozen=True)
class Discordant:
    """Of ``n`` images judged twice, how many were right only before, and only after."""

    lost: int
    gained: int
    n: int

    @property
    def both(self) -> int:
        """How many verdicts changed at all."""
        return self.lost + self.gained


def discordant(before: ArrayLike, after: ArrayLike) -> Discordant:
    """Count the images (N,) that changed sides; both arrays say which are right.

    Raises UsageError for arrays of other shapes.
    """
    first, second = np.asarray(before, bool), np.asarray(after, bool)
    if first.shape != second.shape or first.ndim != 1:
        raise UsageError(
            f"verdicts of {first.shape} and {second.shape} cannot be paired: give one verdict an "
            f"image, (N,), of the same images in the same order"
        )
    return Discordant(int((first & ~second).sum()), int((~first & second).sum()), first.size)


def exact_mcnemar(lost: int, gained: int) -> float:
    """Return the exact two-sided p of McNemar's test: is one side lost more often than gained?

    If neither is better, each of the ``lost + gained`` images that changed sides was as likely to
    go one way as the other: p is twice the smaller tail of that binomial, at most 1; without any it
    is 1. Q. McNemar, "Note on the sampling error of the difference between correlated proportions or
    percentages", Psychometrika 12 (1947).
    """
    if lost < 0 or gained < 0:
        raise UsageError(f"counts are 0 or more, not {min(lost, gained)}")
    from scipy.special import bdtr  # 0.2 s to import

    return min(1.0, 2 * float(bdtr(min(lost, gained), lost + gained, 0.5)))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for being several, in their order, each at least as large as before.

    The k-th smallest of m is multiplied by m - k + 1, and none is smaller than those before it. To
    call significant what is below 5 % then errs at all in at most 5 % of studies, however the tests
    depend on one another. S. Holm, "A simple sequentially rejective multiple test procedure",
    Scandinavian Journal of Statistics 6 (1979).
    """
    p = np.asarray(p_values, np.float64)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1))
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(1.0, stepped)
    return [float(value) for value in corrected]


def detectable_difference(found: Discordant) -> float | None:
    """Return the smallest difference of shares, in [0, 1], that so many images would have shown.

    A true difference of that size comes out significant (McNemar, 5 %) in 80 % of studies with as
    many images and as many changed verdicts: sqrt(7.84 · (share that changed) / n). None where no
    verdict changed, which says nothing about how many would.
    """
    if not found.both:
        return None
    return min(1.0, math.sqrt(POWERED * found.both) / found.n)
