"""What one change costs, image by image: the same images under training's pipeline and the changed."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roadworthy.engine.verdict import log_softmax
from roadworthy.metrics.drop import paired_difference
from roadworthy.metrics.interval import wilson
from roadworthy.metrics.mcnemar import detectable_difference, discordant, exact_mcnemar
from roadworthy.types import Logits

Right = NDArray[np.bool_]


@dataclass(frozen=True)
class Price:
    """What a change does to ``n`` images: rates in percent, the drop in points, p of McNemar's test.

    ``flips`` is the share of images with another prediction, ``kl`` the mean of KL(training ||
    changed) in nats over images that both answer with finite values, NaN if there are none. All
    about accuracy is None without labels. ``detectable`` is the smallest drop that so many images
    would have shown.
    """

    n: int
    flips: float
    flips_high: float
    kl: float
    before: float | None = None
    after: float | None = None
    drop: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    detectable: float | None = None
    lost: int | None = None
    gained: int | None = None

    def for_certain(self) -> Price:
        """Return the price of what changes no input at all: no drop, and no doubt about it.

        The interval of a drop is about which images were drawn; here each is the same before and after.
        """
        if self.drop is None:
            return replace(self, flips_high=0.0)
        return replace(self, flips_high=0.0, low=0.0, high=0.0)

    def as_dict(self) -> dict[str, Any]:
        """Return the numbers by name."""
        return {**asdict(self), "kl": self.kl if math.isfinite(self.kl) else None}


def price(
    flipped: Right, kl: NDArray[np.float64], right: tuple[Right, Right] | None
) -> Price | None:
    """Sum up images (N,): which got another prediction, by how much, and which were right on both sides.

    ``kl`` has those that both sides answer. ``right`` is None without labels. None where there are
    no images.
    """
    n = len(flipped)
    if not n:
        return None
    flips = int(flipped.sum())
    high = 100 * float(wilson(flips, n)[1])
    plain = Price(
        n=n, flips=100 * flips / n, flips_high=high, kl=float(kl.mean()) if len(kl) else math.nan
    )
    return plain if right is None else _with_accuracy(plain, *right)


def _with_accuracy(plain: Price, before: Right, after: Right) -> Price:
    found = discordant(before, after)
    lost = before.astype(np.float64) - after
    interval = paired_difference(lost, np.ones(len(lost)))
    seen = detectable_difference(found)
    numbers: dict[str, Any] = {
        "before": 100 * float(before.mean()),
        "after": 100 * float(after.mean()),
        "drop": 100 * (found.lost - found.gained) / found.n,
        "low": interval.low,
        "high": interval.high,
        "p": exact_mcnemar(found.lost, found.gained),
        "detectable": None if seen is None else 100 * seen,
        "lost": found.lost,
        "gained": found.gained,
    }
    return Price(**{**asdict(plain), **numbers})


def divergence(before: Logits, after: Logits) -> NDArray[np.float64]:
    """Return the Kullback-Leibler divergence of ``after`` from ``before``, in nats, (N,)."""
    p, q = log_softmax(before), log_softmax(after)
    found: NDArray[np.float64] = np.maximum(0.0, (np.exp(p) * (p - q)).sum(axis=1))
    return found
