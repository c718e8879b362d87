"""How alike two subsets, or two orders, of one image are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from roadworthy.stress._subsets.removal import NEVER

Flags = NDArray[np.bool_]
Shares = NDArray[np.float64]


def jaccard(one: Flags, other: Flags) -> Shares:
    """Return the pixels in both subsets (N, h, w) over those in either, (N,); NaN if there are none.

    Two random subsets of a share f of the pixels have f / (2 - f) on average.
    """
    both, either = (one & other).sum((1, 2)), (one | other).sum((1, 2))
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Shares = both / either
    return found


def rank_correlation(one: NDArray[np.uint16], other: NDArray[np.uint16]) -> Shares:
    """Return Spearman's correlation of two orders (N, h, w) over the units in both, (N,).

    Units of one step share a rank. NaN where an order has but one step. C. Spearman, American Journal
    of Psychology 15 (1904).
    """
    found = np.full(len(one), np.nan)
    for index, (a, b) in enumerate(zip(one, other, strict=True)):
        there = (a != NEVER) & (b != NEVER)
        if not there.any():
            continue
        ranks = [_ranks(v[there]) for v in (a, b)]
        x, y = (r - r.mean() for r in ranks)
        spread = float(np.sqrt((x * x).sum() * (y * y).sum()))
        if spread > 0:
            found[index] = float((x * y).sum()) / spread
    return found


def _ranks(steps: NDArray[np.uint16]) -> Shares:
    """Return the rank of each unit; those of one step share the mean of theirs."""
    counts = np.bincount(steps)
    return (counts.cumsum() - (counts - 1) / 2)[steps]
