"""Are the outputs logits: finite, unbounded, different from image to image?"""

from __future__ import annotations

import numpy as np

from roadworthy.engine.forward import finite, forward
from roadworthy.models.check.evidence import Evidence, NotPossibleError
from roadworthy.models.check.report import Finding
from roadworthy.types import Logits, says_scores

SUM_TOLERANCE = 1e-3
ALIKE = 1e-6
"""Spread over images, relative to the largest output, below which outputs do not depend on them."""


def outputs(evidence: Evidence) -> Finding:
    """Look at the values that the model returns, also on a black and a white image.

    Raises NotPossibleError for models that say labels alone.
    """
    if evidence.broken:
        return Finding("outputs", "failed", evidence.broken, "run the network on one such batch")
    logits = evidence.outputs
    bad = int((~finite(logits)).sum())
    if bad:
        return Finding(
            "outputs",
            "failed",
            f"NaN or infinite on {bad} of {len(logits)} images",
            "look for NaN in the weights, division by zero, or overflow in half precision",
        )
    constant = _constant(logits)
    if constant is None and not says_scores(evidence.model):
        raise NotPossibleError("the model says labels alone: its outputs are no logits")
    return constant or _bounded(logits, evidence) or _extremes(logits, evidence)


def _constant(logits: Logits) -> Finding | None:
    spread = float(np.ptp(logits, axis=0).max())
    if len(logits) < 2 or spread > ALIKE * max(float(np.abs(logits).max()), 1e-30):
        return None
    return Finding(
        "outputs",
        "failed",
        f"the same for all {len(logits)} images",
        "the input does not reach the outputs: look for zeroed weights or a saturated layer",
    )


def _bounded(logits: Logits, evidence: Evidence) -> Finding | None:
    low, high = float(logits.min()), float(logits.max())
    sums = logits.sum(axis=1, dtype=np.float64)
    if low >= 0 and _probabilities(sums, evidence.model.classes.offset):
        return Finding(
            "outputs",
            "failed",
            f"probabilities, not logits: no value is negative and rows sum to {sums.mean():.4g}",
            "leave out the softmax at the end; probabilities ruin gradients and calibration",
        )
    largest = logits.max(axis=1, keepdims=True).astype(np.float64)
    total = (np.log(np.exp(logits - largest).sum(axis=1)) + largest[:, 0]) if high <= 0 else None
    if total is not None and float(np.abs(total).max()) < SUM_TOLERANCE:
        return Finding(
            "outputs",
            "warning",
            "log-probabilities, not logits: exponentials of each row sum to 1",
            "fine for accuracy and cross-entropy; leave out the log_softmax where you can",
        )
    if low >= 0 and high <= 1:
        return Finding(
            "outputs",
            "warning",
            f"all values lie between 0 and 1 ({low:.3g} to {high:.3g}), as after a sigmoid",
            "leave out the sigmoid at the end if there is one",
        )
    return None


def _probabilities(sums: np.ndarray[tuple[int], np.dtype[np.float64]], offset: int) -> bool:
    if offset:  # what the outputs before the first class took is missing from the sum
        return bool((sums <= 1 + SUM_TOLERANCE).all())
    return bool((np.abs(sums - 1) < SUM_TOLERANCE).all())


def _extremes(logits: Logits, evidence: Evidence) -> Finding:
    import torch

    x = torch.zeros_like(evidence.input(0, 1)).repeat(2, 1, 1, 1)
    x[1] = 1.0
    bad = ~finite(forward(evidence.model, x, name=evidence.name))
    if bad.any():
        which = " and ".join(word for word, b in zip(("black", "white"), bad, strict=True) if b)
        return Finding(
            "outputs",
            "failed",
            f"finite on all {len(logits)} images, but not on a {which} one",
            "look for a division by the spread of the image; add a small number to it",
        )
    return Finding(
        "outputs",
        "ok",
        f"logits, finite, from {logits.min():.1f} to {logits.max():.1f}, standard deviation "
        f"{logits.std():.2g}",
    )
