"""The bootstrap, for medians, ranks and fits, whose errors have no simple closed form."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roadworthy.metrics.interval import LEVEL, Floats
from roadworthy.seed import digest, rng_for


def rng_of(name: str, *arrays: NDArray[Any]) -> np.random.Generator:
    """Return the generator for resampling these data: the same data give the same interval."""
    return rng_for(0, f"bootstrap/{name}", 1, digest(*(a.tobytes() for a in arrays)), "")


def bootstrap(
    statistic: Callable[[Floats], Floats],
    n: int,
    *,
    rng: np.random.Generator,
    draws: int = 1000,
) -> tuple[float, float]:
    """Return the percentile interval (low, high) of a statistic over ``n`` resampled samples.

    ``statistic`` takes weights (draws, n), how often each sample was drawn, and returns one value
    a draw; draws where it is not finite are left out. NaN for fewer than two samples. B. Efron,
    "Bootstrap methods: another look at the jackknife", Annals of Statistics 7 (1979).
    """
    if n < 2:
        return math.nan, math.nan
    step = max(1, 2_000_000 // n)  # bounds the memory of one block of weights to 16 MB
    values = np.concatenate(
        [
            statistic(rng.multinomial(n, np.full(n, 1 / n), min(step, draws - start)).astype(float))
            for start in range(0, draws, step)
        ]
    )
    finite = values[np.isfinite(values)]
    if not finite.size:
        return math.nan, math.nan
    low, high = np.quantile(finite, [0.5 - LEVEL / 2, 0.5 + LEVEL / 2])
    return float(low), float(high)
