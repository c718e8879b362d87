"""Accuracy by class, as arrays; a class has few samples, so its interval matters most."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roadworthy.metrics.base import Rows
from roadworthy.metrics.clusters import cluster, verdicts
from roadworthy.metrics.interval import NORMAL, Floats, effective_size, t_quantile


@dataclass(frozen=True)
class ByClass:
    """Per class (classes,), labels ascending: samples, share of right rows in [0, 1], effective
    number of independent rows, and the 95 % quantile to use for it."""

    label: NDArray[np.int64]
    n: NDArray[np.int64]
    share: Floats
    size: Floats
    quantile: Floats


def by_class(rows: Rows) -> ByClass:
    """Count the right rows of every class that occurs; clusters are samples."""
    data = cluster(verdicts(rows, "correct").select("sample", "label", "correct"))
    counts, hits = data.counts, data.sums(data["correct"])
    labels = data.sums(data["label"]) / np.maximum(counts, 1)
    label, which = np.unique(np.rint(labels).astype(np.int64), return_inverse=True)
    n = np.bincount(which, minlength=label.size)
    total = np.bincount(which, weights=counts, minlength=label.size)
    share = np.bincount(which, weights=hits, minlength=label.size) / total
    influence = (hits - share[which] * counts) * (n / total)[which]
    squares = np.bincount(which, weights=np.square(influence), minlength=label.size)
    quantile = np.array(
        [
            NORMAL if rows_ == n_ or n_ == 1 else t_quantile(int(n_) - 1)
            for n_, rows_ in zip(n, total, strict=True)
        ]
    )
    return ByClass(label, n, share, effective_size(share, squares, n, total), quantile)
