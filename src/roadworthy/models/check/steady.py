"""Does the model say the same again, and the same of an image whatever else is in the batch?"""

from __future__ import annotations

import numpy as np

from roadworthy.engine.forward import forward
from roadworthy.engine.verdict import BORDERLINE_MARGIN
from roadworthy.models.check.evidence import Evidence, NotPossibleError
from roadworthy.models.check.report import Finding
from roadworthy.types import Logits

REPEAT_TOLERANCE = 1e-6
BATCH_TOLERANCE = 1e-4
"""Relative to the spread of the logits; other kernels for another batch size differ by 1e-6."""

TOGETHER = 64
ALONE = 16


def repeat(evidence: Evidence) -> Finding:
    """Judge one batch again; the logits must be the same bits, or the same to 1e-6 of their spread."""
    first = evidence.outputs[: evidence.options.forward_batch][: len(evidence.frames)]
    again = evidence.judged(evidence.model, 0, len(first))
    if np.array_equal(first, again, equal_nan=True):
        return Finding("repeat", "ok", f"{len(first)} images judged twice: equal bits")
    difference = relative(first, again)
    if difference <= REPEAT_TOLERANCE:
        sentence = f"{len(first)} images judged twice: equal to {difference:.0e} of their spread"
        return Finding("repeat", "ok", sentence)
    flips = int((first.argmax(axis=1) != again.argmax(axis=1)).sum())
    return Finding(
        "repeat",
        "failed",
        f"{len(first)} images judged twice: logits differ by {difference:.1e} of their spread, "
        f"{flips} predictions change",
        "the model is random: look for dropout or noise that is on in eval mode",
    )


def batch(evidence: Evidence) -> Finding:
    """Judge images alone and together with others; the logits must agree to 1e-4 of their spread."""
    count = min(TOGETHER, len(evidence.frames))
    if count < 2:
        raise NotPossibleError("one image makes no batch to compare with")
    _ = evidence.outputs
    few = min(ALONE, count)
    together = forward(evidence.model, evidence.input(0, count), name=evidence.name)[:few]
    alone = np.concatenate(
        [forward(evidence.model, evidence.input(i, i + 1), name=evidence.name) for i in range(few)]
    )
    difference = relative(together, alone)
    flips = _flips(together, alone)
    sentence = (
        f"{few} images alone and in a batch of {count}: logits differ by {difference:.0e} of their "
        f"spread, {flips} predictions change"
    )
    if difference <= BATCH_TOLERANCE and not flips:
        return Finding("batch", "ok", sentence)
    return Finding(
        "batch",
        "failed",
        sentence,
        "what the model says of an image depends on the others: look for batch norm in training "
        "mode, statistics over the batch, or randomness",
    )


def relative(a: Logits, b: Logits) -> float:
    """Return the largest difference relative to the spread of ``a``, over what is finite in both.

    It is infinite where a value is finite in one only.
    """
    if not np.array_equal(np.isfinite(a), np.isfinite(b)):
        return float("inf")
    good = np.isfinite(a)
    if not good.any():
        return 0.0
    difference = float(np.abs(a[good] - b[good]).max())
    return difference / max(float(a[good].std()), 1e-30) if difference else 0.0


def _flips(a: Logits, b: Logits) -> int:
    """Count predictions that change, beside those that rounding may change."""
    top = np.sort(a, axis=1)[:, -2:]
    clear = top[:, -1] - top[:, 0] >= BORDERLINE_MARGIN
    return int(((a.argmax(axis=1) != b.argmax(axis=1)) & clear).sum())
