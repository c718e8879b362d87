"""Is the model as sure on images from production as on those of a reference?"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roadworthy.metrics.interval import LEVEL, t_quantile

SIGNIFICANT = 1 - LEVEL


@dataclass(frozen=True)
class Drift:
    """Confidence on ``n`` images against ``reference_n``: means, their difference, and the distributions'.

    ``difference`` is production minus reference, in points, with Welch's 95 % interval. ``distance``
    is that of Kolmogorov and Smirnov, the largest gap between the two shares of images below a
    confidence, in [0, 1]; its interval is that of Dvoretzky, Kiefer and Wolfowitz, and ``p`` is that
    of no distance.
    """

    n: int
    reference_n: int
    mean: float
    reference_mean: float
    difference: float
    low: float | None
    high: float | None
    distance: float
    distance_low: float
    distance_high: float
    p: float

    @property
    def drifted(self) -> bool:
        """Whether the distributions differ beyond chance (5 %)."""
        return self.p < SIGNIFICANT

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return {**asdict(self), "drifted": self.drifted}


def drift(production: NDArray[np.float64], reference: NDArray[np.float64]) -> Drift:
    """Compare confidences in [0, 1] of two sets of images, (N,) and (M,), both not empty."""
    n, m = len(production), len(reference)
    difference = 100 * float(production.mean() - reference.mean())
    half = 100 * _welch(production, reference)
    distance = kolmogorov(production, reference)
    # Both curves lie within such a band of the true ones with a chance of 97.5 % each, at least.
    band = sum(math.sqrt(math.log(4 / SIGNIFICANT) / (2 * size)) for size in (n, m))
    return Drift(
        n=n,
        reference_n=m,
        mean=100 * float(production.mean()),
        reference_mean=100 * float(reference.mean()),
        difference=difference,
        low=difference - half if math.isfinite(half) else None,
        high=difference + half if math.isfinite(half) else None,
        distance=distance,
        distance_low=max(0.0, distance - band),
        distance_high=min(1.0, distance + band),
        p=_p(distance, n, m),
    )


def kolmogorov(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Return the largest distance between the empirical distribution functions of two samples."""
    values = np.concatenate([a, b])
    shares = [np.searchsorted(np.sort(x), values, side="right") / len(x) for x in (a, b)]
    return float(np.abs(shares[0] - shares[1]).max())


def _p(distance: float, n: int, m: int) -> float:
    """Return the chance of such a distance between samples of one distribution, for large ones.

    With Stephens's correction for small ones (Journal of the Royal Statistical Society B 32, 1970).
    """
    from scipy.special import kolmogorov as tail

    root = math.sqrt(n * m / (n + m))
    return float(tail((root + 0.12 + 0.11 / root) * distance))


def _welch(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Return half of the 95 % interval of a difference of means, for unequal variances."""
    n, m = len(a), len(b)
    if min(n, m) < 2:
        return math.inf
    first, second = a.var(ddof=1) / n, b.var(ddof=1) / m
    total = float(first + second)
    if total == 0:
        return 0.0
    degrees = total**2 / float(first**2 / (n - 1) + second**2 / (m - 1))
    return t_quantile(max(1, int(degrees))) * math.sqrt(total)
