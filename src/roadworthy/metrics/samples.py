"""Numbers by sample: several records of each sample side by side, and the interval of their mean."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from roadworthy.metrics.base import Estimate
from roadworthy.metrics.interval import NORMAL, Floats, effective_size, estimate, t_quantile, wilson
from roadworthy.metrics.seen import Shared, empty_columns, once

MOST_LEVELS = 10
BY_SEVERITY = "errors_by_severity"
"""The key under which these are kept, see `seen.share`."""


def side_by_side(frames: Sequence[pl.DataFrame]) -> Floats:
    """Return one row for each sample that all ``frames`` have, one column a frame (N, frames).

    Each frame has the columns ``sample`` and ``value``, a sample once; rows come in any order.
    """
    return aligned(frames)[1]


def aligned(frames: Sequence[pl.DataFrame]) -> tuple[pl.Series, Floats]:
    """Return the samples (N,) that all ``frames`` have, and their values as in `side_by_side`."""
    first = frames[0]["sample"]
    if not all(frame["sample"].equals(first) for frame in frames[1:]):
        # some samples are not in every frame; keep those that are
        common = first.to_frame()
        for frame in frames[1:]:
            common = common.join(frame, on="sample", how="semi", maintain_order="left")
        frames = [common.join(f, on="sample", how="left", maintain_order="left") for f in frames]
    # column by column in memory: as they come, which is much faster than row by row
    return frames[0]["sample"], np.stack([_floats(frame) for frame in frames]).T


def _floats(frame: pl.DataFrame) -> Floats:
    return once(frame, "floats", lambda: floats(frame["value"]))


def floats(column: pl.Series) -> Floats:
    """Return a column as numbers, NaN where it has none."""
    if column.dtype == pl.Boolean and not column.null_count():  # twice as fast as a cast by polars
        return column.to_numpy().astype(np.float64)
    return column.cast(pl.Float64).to_numpy()


def by_sample(samples: pl.Series, values: Floats | pl.Series) -> pl.DataFrame:
    """Return sample and value, the contributions to a metric: one number a sample (N,)."""
    return pl.DataFrame({"sample": samples, "value": values})


def errors(rows: pl.DataFrame) -> pl.DataFrame:
    """Return sample and value, 1 where the prediction is wrong; rows without a verdict are left out."""
    return rows.select("sample", value=~pl.col("correct")).drop_nulls()


def severities(rows: pl.DataFrame) -> list[int]:
    """Return the severities in ``rows``, ascending."""
    return once(rows, "severities", lambda: _severities(rows))


def _severities(rows: pl.DataFrame) -> list[int]:
    if "severity" in empty_columns(rows):
        return []
    severity = rows["severity"]
    least, most = severity.min(), severity.max()
    if least == most:  # one level, as all that has a variant of its own has
        return [int(least)]  # type: ignore[arg-type]
    return [int(level) for level in severity.unique().drop_nulls().sort().to_list()]


def errors_by_severity(rows: pl.DataFrame) -> dict[int, pl.DataFrame]:
    """Return `errors` of each severity in ``rows``, ascending."""
    return once(rows, BY_SEVERITY, lambda: Shared[dict[int, pl.DataFrame]]()).get(
        lambda: _by_severity(rows)
    )


def _by_severity(rows: pl.DataFrame) -> dict[int, pl.DataFrame]:
    if "severity" in empty_columns(rows):
        return {}
    judged = rows.select("severity", "sample", value=~pl.col("correct")).drop_nulls()
    if judged["sample"].dtype.is_integer() and (
        levels := _repeating(judged["severity"].to_numpy())
    ):
        samples, wrong = judged["sample"].to_numpy(), judged["value"].to_numpy()
        found = {
            level: by_sample(pl.Series(samples[place :: len(levels)]), wrong[place :: len(levels)])
            for place, level in enumerate(levels)
        }
        return dict(sorted(found.items()))
    parts = judged.partition_by("severity", include_key=False, as_dict=True)
    return {int(key[0]): frame for key, frame in sorted(parts.items())}


def _repeating(levels: NDArray[np.int32]) -> list[int]:
    """Return the different levels that are all there is, over and over; empty if it is otherwise.

    So do those of rows by sample stand, which are much faster cut than grouped.
    """
    first: list[int] = []
    for level in levels[: MOST_LEVELS + 1].tolist():
        if level in first:
            break
        first.append(level)
    if not 0 < len(first) <= MOST_LEVELS or len(levels) % len(first):
        return []
    return first if (levels.reshape(-1, len(first)) == first).all() else []


def bounded_mean(values: Floats, *, low: float, high: float, scale: float = 1.0) -> Estimate:
    """Estimate the mean of one number a sample (N,), each in [low, high].

    The variance over samples gives the number of yes-or-no verdicts that would be as precise; with
    that and a t quantile goes Wilson's formula between the bounds. So the interval stays inside
    them, and without any spread it is that of as many verdicts as there are samples.
    """
    n, width = values.size, high - low
    if n == 0 or not width > 0:
        return Estimate(None, None, None, n)
    values = np.sort(values)  # sums of floats must not depend on the order of the parts
    value = float(values.mean())
    share = min(1.0, max(0.0, (value - low) / width))
    squares = float(np.square((values - value) / width).sum())
    size = effective_size(share, squares, n, math.inf)
    below, above = wilson(share * size, size, quantile=t_quantile(n - 1) if n > 1 else NORMAL)
    return estimate(value, low + float(below) * width, low + float(above) * width, n, scale=scale)


@dataclass(frozen=True)
class Weighted:
    """A sum of means with ``weights`` (K,) of numbers in [0, high], one row a sample (N, K).

    All K numbers of a sample enter its one influence on the sum: however many pictures are made of
    it, they are one observation.
    """

    samples: pl.Series
    values: Floats
    weights: Floats
    high: float = 1.0

    def estimate(self) -> Estimate:
        """Estimate the sum."""
        bounds = [self.high * float(self.weights[s * self.weights > 0].sum()) for s in (-1, 1)]
        return bounded_mean(self.values @ self.weights, low=bounds[0], high=bounds[1])

    def contributions(self, *, unit: float = 1.0) -> pl.DataFrame:
        """Return sample and value, in ``unit``: 100 for fractions of a sum in percent."""
        return by_sample(self.samples, self.values @ self.weights / unit)
