"""How far two rankings of classes differ: top-5 distance and Zipf distance."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from roadworthy.errors import UsageError

TOP = 5
FURTHEST = 15.0
"""The largest top-5 distance: all five classes leave the first five ranks."""

Numbers = NDArray[Any]


def top5_distance(reference_logits: ArrayLike, logits: ArrayLike) -> NDArray[np.int64]:
    """Return how far the five classes ranked first in the reference have moved (N,), 0 to 15.

    Both arrays are (N, classes); ranks are those of descending logits, ties by class index. The
    distance is the sum over i = 1..5 of |i - min(s(i), 6)|, where s(i) is the new rank of the class
    that had rank i: rank 6 and all ranks below it count alike. With fewer than five classes all of
    them count. Raises UsageError for arrays of other shapes and for logits that are no numbers.
    Hendrycks and Dietterich, "Benchmarking neural network robustness to common corruptions and
    perturbations", ICLR 2019.
    """
    reference, new = _checked(reference_logits, logits)
    first = _order(reference)[:, :TOP]
    score = np.take_along_axis(new, first, axis=1)
    moved = np.zeros(len(new), np.int64)
    # five ranks by counting cost a third of a second sort of all classes
    for i in range(first.shape[1]):
        rank = 1 + _ahead(new, score[:, i], first[:, i], most=TOP)
        moved += np.abs(i + 1 - rank)
    return moved


def zipf_distance(reference_logits: ArrayLike, logits: ArrayLike) -> NDArray[np.float64]:
    """Return how far all classes have moved, the first ranks weighing most (N,), 0 and up.

    Both arrays are (N, classes), ranked as for `top5_distance`. The distance is the sum over all
    ranks i of (1/i) · |1/i - 1/s(i)|; of 1000 classes in reverse it is 1.641938. Raises UsageError
    as `top5_distance` does. Hendrycks and Dietterich, ICLR 2019 (in the published code; the paper
    has no table of it).
    """
    reference, new = _checked(reference_logits, logits)
    weight = 1 / np.arange(1, new.shape[1] + 1)
    share = np.empty_like(new, dtype=np.float64)
    np.put_along_axis(share, _order(new), np.broadcast_to(weight, new.shape), axis=1)
    moved = np.abs(weight - np.take_along_axis(share, _order(reference), axis=1))
    distance: NDArray[np.float64] = moved @ weight
    return distance


def _checked(reference: ArrayLike, logits: ArrayLike) -> tuple[Numbers, Numbers]:
    both = np.asarray(reference), np.asarray(logits)
    shapes = [array.shape for array in both]
    if shapes[0] != shapes[1] or len(shapes[0]) != 2 or not shapes[0][1]:
        raise UsageError(
            f"logits of {shapes[0]} and {shapes[1]} cannot be ranked against each other: "
            f"give two arrays of (images, classes) with the same images and classes"
        )
    if any(np.isnan(array).any() for array in both):
        raise UsageError(
            "logits that are not numbers (NaN) have no ranking: leave these images out"
        )
    return both


def _order(logits: Numbers) -> NDArray[np.int64]:
    """Return the classes of each row by rank, ties by class index."""
    order: NDArray[np.int64] = np.argsort(-logits, axis=1, kind="stable")
    return order


def _ahead(
    logits: Numbers, score: Numbers, label: NDArray[np.int64], *, most: int
) -> NDArray[np.int64]:
    """Count the classes ranked before ``label``, whose logit is ``score``; at most ``most``."""
    column = score[:, None]
    before = np.arange(logits.shape[1]) < label[:, None]
    count = ((logits > column) | ((logits == column) & before)).sum(axis=1, dtype=np.int64)
    ahead: NDArray[np.int64] = np.minimum(count, most)
    return ahead
