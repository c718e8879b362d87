"""Models side by side on the same images: who is right, and how small a change suffices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from roadworthy.metrics.interval import Floats

Statistic = Literal["mean", "median"]
STATISTICS: tuple[Statistic, ...] = ("mean", "median")


@dataclass(frozen=True)
class Population:
    """Images (N,) by models (M,): ``right`` is 1 or 0, NaN where a model has not judged an image.

    ``distance`` is the change that reached the goal, infinite where none did, NaN where the image
    was not attacked.
    """

    models: tuple[str, ...]
    right: Floats
    distance: Floats

    @property
    def images(self) -> int:
        """Number of images."""
        return len(self.right)

    def accuracies(self, weights: Floats) -> Floats:
        """Return the accuracy of each model in [0, 1], (D, M), images having ``weights`` (D, N)."""
        judged = np.isfinite(self.right)
        return _ratio(weights @ np.where(judged, self.right, 0.0), weights @ judged.astype(float))

    def distances(self, weights: Floats, statistic: Statistic) -> Floats:
        """Return the mean over successes, or the median over all attacked images, (D, M).

        Failures count as infinite in the median; a mean over successes says nothing of them.
        """
        if statistic == "mean":
            done = np.isfinite(self.distance)
            sums = weights @ np.where(done, self.distance, 0.0)
            return _ratio(sums, weights @ done.astype(float))
        columns = (_medians(self.distance[:, m], weights) for m in range(len(self.models)))
        return np.stack(list(columns), axis=1)

    def successes(self) -> Floats:
        """Return the share of attacked images on which the goal was reached, (M,)."""
        attacked = (~np.isnan(self.distance)).sum(0).astype(float)
        return _ratio(np.isfinite(self.distance).sum(0).astype(float), attacked)


def population(
    rows: Mapping[str, pl.DataFrame], distance: str, *, scale: float | Mapping[str, float] = 1.0
) -> Population:
    """Put the records of one attack on several models side by side, by model.

    ``rows`` are usable records; of each sample one counts. ``distance`` names the column of the
    change, ``scale`` is what it is multiplied by.
    """
    ids = pl.concat([frame.select("sample") for frame in rows.values()]).unique().sort("sample")
    right = np.full((len(ids), len(rows)), np.nan)
    found = right.copy()
    for m, (model, frame) in enumerate(rows.items()):
        factor = scale[model] if isinstance(scale, Mapping) else scale
        value = (
            pl.when(pl.col("status") == "clean_error")
            .then(None)
            .when("success")
            .then(pl.col(distance).cast(pl.Float64) * factor)
            .when(~pl.col("success"))
            .then(float("inf"))
        )
        one = frame.select(
            "sample", value=value, right=(pl.col("status") != "clean_error").cast(pl.Float64)
        ).unique("sample", keep="first", maintain_order=True)
        joined = ids.join(one, on="sample", how="left", maintain_order="left")
        right[:, m] = joined["right"].fill_null(float("nan")).to_numpy()
        found[:, m] = joined["value"].fill_null(float("nan")).to_numpy()
    return Population(tuple(rows), right, found)


def draws(n: int, *, rng: np.random.Generator, count: int = 1000) -> Iterator[Floats]:
    """Yield blocks of weights (D, n): how often each of ``n`` was drawn, ``count`` times in all."""
    step = max(1, 2_000_000 // max(n, 1))  # bounds a block to 16 MB
    for start in range(0, count, step):
        size = min(step, count - start)
        yield rng.multinomial(n, np.full(n, 1 / n), size).astype(float)


def _ratio(above: Floats, below: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Floats = np.where(below > 0, above / below, np.nan)
    return found


def _medians(values: Floats, weights: Floats) -> Floats:
    """Return the weighted median of ``values`` (N,), NaN left out, for each row of ``weights``."""
    known = np.flatnonzero(~np.isnan(values))
    order = known[np.argsort(values[known], kind="stable")]
    if not order.size:
        return np.full(len(weights), np.nan)
    ordered, below = values[order], weights[:, order].cumsum(axis=1)
    half = below[:, -1:] / 2
    lower = ordered[(below >= half).argmax(axis=1)]
    upper = ordered[np.minimum((below > half).argmax(axis=1), len(order) - 1)]
    return np.where(half[:, 0] > 0, (lower + upper) / 2, np.nan)
