"""From logits to verdicts: the columns of a record that follow from logits and labels alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roadworthy.types import Logits

BORDERLINE_MARGIN = 1e-3
"""Below this margin another batch size, hence another float32 kernel, may flip the verdict."""

OF_SCORES = (
    *("correct5", "correct_subset", "conf", "conf_label", "margin", "loss", "entropy", "brier"),
    *("top5", "borderline", "kl_ref", "zipf_ref", "top5_ref"),
    *("frames_conf", "frames_top5_distance", "frames_zipf"),
    *("conf_target", "sufficient"),
)
"""Columns that follow from more than the most likely class: nobody knows them of a bare label."""

Columns = dict[str, NDArray[Any]]


def log_softmax(logits: Logits) -> NDArray[np.float64]:
    """Return log-probabilities in float64, (N, classes)."""
    wide = logits.astype(np.float64)
    wide -= wide.max(axis=1, keepdims=True)
    wide -= np.log(np.exp(wide).sum(axis=1, keepdims=True))
    return wide


def top_k(logits: Logits, k: int) -> NDArray[np.int32]:
    """Return the k largest outputs, largest first; equal ones in index order. (N, k)."""
    count = logits.shape[1]
    if count <= 4 * k:
        return np.argsort(-logits, axis=1, kind="stable")[:, :k].astype(np.int32)
    # Everything that reaches the k-th largest value, so that ties at the edge stay in index order.
    edge = -np.partition(-logits, k - 1, axis=1)[:, k - 1 : k]
    masked = np.where(logits >= edge, logits, -np.inf)
    return np.argsort(-masked, axis=1, kind="stable")[:, :k].astype(np.int32)


def verdicts(
    logits: Logits,
    labels: NDArray[np.int32],
    *,
    subset: NDArray[np.bool_] | None = None,
    clean: Logits | None = None,
) -> Columns:
    """Return the verdict columns for logits (N, classes) and labels (N,), one entry a sample.

    ``subset`` marks the outputs that the data set's classes relate to (None for all); ``clean`` are
    the logits of the same samples without the stress, for ``kl_ref``. ``margin`` is the logit of the
    label minus the largest other; ``brier`` sums over classes; all logarithms are natural.
    """
    rows = np.arange(len(logits))
    log_p = log_softmax(logits)
    p = np.exp(log_p)
    top5 = top_k(logits, min(5, logits.shape[1]))
    pred = top5[:, 0]
    others = logits.copy()
    others[rows, labels] = -np.inf
    margin = logits[rows, labels] - others.max(axis=1)
    restricted = logits if subset is None else np.where(subset, logits, -np.inf)
    one_hot_distance = (p**2).sum(axis=1) - 2.0 * p[rows, labels] + 1.0
    columns: Columns = {
        "label": labels,
        "pred": pred,
        "correct": pred == labels,
        "correct5": (top5 == labels[:, None]).any(axis=1),
        "correct_full": pred == labels,
        "correct_subset": restricted.argmax(axis=1) == labels,
        "conf": p[rows, pred],
        "conf_label": p[rows, labels],
        "margin": margin,
        "loss": -log_p[rows, labels],
        "entropy": -(p * log_p).sum(axis=1, where=p > 0),
        "brier": one_hot_distance,
        "top5": top5,
        "borderline": np.abs(margin) < BORDERLINE_MARGIN,
    }
    if clean is not None:
        columns["kl_ref"] = kl_divergence(clean, logits)
    return columns


def without_scores(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``columns`` without what a model that says labels alone does not say."""
    return {name: value for name, value in columns.items() if name not in OF_SCORES}


def kl_divergence(reference: Logits, logits: Logits) -> NDArray[np.float64]:
    """Return KL(reference || other) of the predicted distributions in nats, (N,)."""
    log_q, log_p = log_softmax(reference), log_softmax(logits)
    q = np.exp(log_q)
    difference: NDArray[np.float64] = (q * (log_q - log_p)).sum(axis=1, where=q > 0)
    return difference
