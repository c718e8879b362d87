"""Two sets of answers to the same images, side by side: which predictions change, which are right."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from roadworthy.data.labels import Relation
from roadworthy.engine.forward import finite
from roadworthy.engine.verdict import verdicts
from roadworthy.preflight.paired import divergence
from roadworthy.types import Logits


def changed(before: Logits, after: Logits, *, scores: bool) -> tuple[list[bool], list[float]]:
    """Return which predictions change, (N,), and the divergences of those images that have one.

    An answer that is not finite is no prediction: where only one side has one, that is a change.
    Without ``scores``, where a model says labels alone, there is no divergence.
    """
    good = finite(before), finite(after)
    both = good[0] & good[1]
    flipped = np.where(both, before.argmax(axis=1) != after.argmax(axis=1), good[0] != good[1])
    return flipped.tolist(), divergence(before[both], after[both]).tolist() if scores else []


def right(logits: Logits, labels: NDArray[np.int32], relation: Relation) -> list[bool]:
    """Return which predictions are right, (N,); an answer that is not finite is wrong."""
    fine = finite(logits)
    plain = np.where(fine[:, None], logits, np.float32(0))
    found: list[bool] = (verdicts(plain, labels, subset=relation.subset)["correct"] & fine).tolist()
    return found
