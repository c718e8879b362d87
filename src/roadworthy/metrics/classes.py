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
    data = cluster(verdicts(rows, "correct"), rows)
    if data.single:
        label, which = _numbered(data["label"].astype(np.int64))
        n = np.bincount(which, minlength=label.size)
        share = np.bincount(which, weights=data["correct"], minlength=label.size) / n
        size = effective_size(share, n * share * (1 - share), n, n)
        return ByClass(label, n, share, size, np.full(n.size, NORMAL))
    counts, hits = data.counts, data.sums(data["correct"])
    label, which = _numbered(np.rint(data.sums(data["label"]) / counts).astype(np.int64))
    n = np.bincount(which, minlength=label.size)
    total = np.bincount(which, weights=counts, minlength=label.size)
    share = np.bincount(which, weights=hits, minlength=label.size) / total
    influence = (hits - share[which] * counts) * (n / total)[which]
    squares = np.bincount(which, weights=np.square(influence), minlength=label.size)
    students = {
        int(size): t_quantile(int(size) - 1) for size in np.unique(n[(total != n) & (n > 1)])
    }
    normal = (total == n) | (n == 1)
    quantile = np.array(
        [
            NORMAL if plain else students[size]
            for size, plain in zip(n.tolist(), normal, strict=True)
        ]
    )
    return ByClass(label, n, share, effective_size(share, squares, n, total), quantile)


def _numbered(labels: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the labels that occur, ascending, and which of them each one is (as ``np.unique``)."""
    least, most = int(labels.min(initial=0)), int(labels.max(initial=0))
    if most - least > max(1000, 4 * labels.size):
        return np.unique(labels, return_inverse=True)
    occurs = np.bincount(labels - least, minlength=most - least + 1) > 0
    return np.flatnonzero(occurs) + least, (np.cumsum(occurs) - 1)[labels - least]
