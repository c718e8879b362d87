"""Expected calibration error: do confidences mean what they say?"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from roadworthy.metrics.base import Estimate, Rows, metric
from roadworthy.metrics.clusters import Clusters, judged, unmeasured
from roadworthy.metrics.interval import LEVEL, Floats, estimate, t_quantile
from roadworthy.metrics.samples import by_sample

BINS = 15
# in the precision the records have, so that 0.2 lies in the bin that ends there
EDGES = (np.arange(1, BINS) / BINS).astype(np.float32)
_LOWER, _UPPER = np.append(-np.float32(np.inf), EDGES), np.append(EDGES, np.float32(np.inf))


def signed_gaps(rows: Rows) -> pl.DataFrame | None:
    """Return sample and value: the gap of each row, signed so that those of every bin add up to + ."""
    data = judged(rows, "correct", "conf")
    if not data.measured:
        return None
    gap, which = data["correct"] - data["conf"], bins_of(data["conf"])
    signed = np.where(np.bincount(which, weights=gap) >= 0, 1.0, -1.0)[which] * gap
    return by_sample(data.ids, signed)


@metric(
    unit="percent", direction="lower", headline=False, paper="guo2017", contributions=signed_gaps
)
def ece(rows: Rows) -> Estimate | None:
    """Expected calibration error over 15 equal-width bins of the confidence, in percent.

    100 / rows · sum over bins ((b-1)/15, b/15] of |sum over the rows in it of (correct - conf)|,
    over all variants (frames). The value is this usual one, which is biased upwards: noise in a
    bin never averages out. The interval is about the error of the population in the same bins: its
    centre has the expected bias of every bin removed (gaps shrunk towards a smooth curve say how
    large it is), its width is the clustered error of all signed gaps. Where a chi-squared test
    cannot tell the model from a perfectly calibrated one, the interval starts at 0; it always
    includes the value. None where nothing was judged with a confidence. Guo et al., "On
    calibration of modern neural networks", ICML 2017; on the bias, Bröcker, "Estimating
    reliability and resolution of probability forecasts", Climate Dynamics 39 (2012).
    """
    data = judged(rows, "correct", "conf")
    if not data.measured:
        return unmeasured(rows, data)
    gap, which = data["correct"] - data["conf"], bins_of(data["conf"])
    bins = _bins(data, gap, which)
    value = float(np.abs(bins.total).sum() / gap.size)
    if data.size < 2:
        return estimate(value, 0.0, 1.0, data.size, scale=100.0)
    centre = value - _bias(bins) / gap.size
    signed = data.sums(np.where(bins.total >= 0, 1.0, -1.0)[which] * gap)
    # the larger of the two: bins without any spread must not count as known
    squares = max(float(np.square(signed - signed.mean()).sum()), float(bins.variance.sum()))
    half = t_quantile(data.size - 1) * math.sqrt(squares) / gap.size
    low = 0.0 if _may_be_calibrated(bins) else max(0.0, min(value, centre - half))
    return estimate(value, low, min(1.0, max(value, centre + half)), data.size, scale=100.0)


def bins_of(conf: Floats) -> NDArray[np.int64]:
    """Return the bin 0..14 of each confidence (rows,)."""
    single = conf.astype(np.float32)
    # a guess that rounding may put one bin off, mended by a look at the edges: faster than a search
    bins: NDArray[np.int64] = np.clip(single * np.float32(BINS), 0, BINS - 1).astype(np.int64)
    bins += single > _UPPER[bins]
    bins -= single <= _LOWER[bins]
    return bins


@dataclass(frozen=True)
class _Bins:
    """Per bin (15,): rows, mean confidence, sum of (correct - conf) and its variance.

    ``null`` is what the variance would be for a perfectly calibrated model.
    """

    rows: Floats
    conf: Floats
    total: Floats
    variance: Floats
    null: Floats


def _bins(data: Clusters, gap: Floats, which: NDArray[np.int64]) -> _Bins:
    def add(weights: Floats) -> Floats:
        return np.bincount(which, weights=weights, minlength=BINS).astype(np.float64)

    rows = np.bincount(which, minlength=BINS).astype(np.float64)
    # a bin that happens to be all right still has a variance: half a sample right, half wrong more
    size = gap.size / data.size
    share = (add(data["correct"]) + 0.5 * size) / (rows + size)
    squares = float(np.square(gap).sum())
    design = size
    if not data.single and squares > 0:
        cells = np.bincount(data.index * BINS + which, weights=gap)
        design = max(1.0, float(np.square(cells).sum()) / squares)
    return _Bins(
        rows=rows,
        conf=add(data["conf"]) / np.maximum(rows, 1),
        total=add(gap),
        variance=rows * share * (1 - share) * design,
        null=add(data["conf"] * (1 - data["conf"])) * design,
    )


def _bias(bins: _Bins) -> float:
    """Return the expected excess of the summed absolute gaps over those of the population.

    A gap observed with normal noise has a folded normal absolute value, whose excess depends on
    the true gap. Taken from the bin alone that would be too noisy, so gaps are shrunk (James-Stein)
    towards a quadratic in the confidence.
    """
    from scipy.special import ndtr

    used = bins.rows > 0
    noise, gap = np.sqrt(bins.variance[used]), bins.total[used]
    terms = min(3, max(1, gap.size - 2))
    design = np.stack([bins.rows[used] * bins.conf[used] ** power for power in range(terms)], 1)
    smooth = design @ np.linalg.lstsq(design / noise[:, None], gap / noise, rcond=None)[0]
    misfit = float(np.square((gap - smooth) / noise).sum())
    shrink = min(1.0, max(0, gap.size - terms - 2) / misfit) if misfit > 0 else 1.0
    ratio = np.abs(smooth + (1 - shrink) * (gap - smooth)) / noise
    density = np.exp(-0.5 * np.square(ratio)) / math.sqrt(2 * math.pi)
    return float((2 * noise * (density - ratio * ndtr(-ratio))).sum())


def _may_be_calibrated(bins: _Bins) -> bool:
    from scipy.special import chdtri

    used = bins.null > 0  # else all of them are certain, and an error is a proof
    if (bins.total[~used] != 0).any():
        return False
    statistic = float((np.square(bins.total[used]) / bins.null[used]).sum())
    return statistic <= float(chdtri(int(used.sum()), 1 - LEVEL))
