"""Is the model as good as it should be, or at least better than guessing?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from roadworthy.metrics.interval import wilson
from roadworthy.models.check.evidence import Evidence
from roadworthy.models.check.report import Finding

ENOUGH = 30
"""Images from which on an accuracy like that of guessing is a failure, not bad luck."""

SHORTFALL = 15.0
"""Points below the card that no choice of images explains; benchmarks and samples differ by less."""

CAUSES = (
    "usual causes: labels in another order than the outputs, a wrong normalisation, a wrong "
    "pipeline (size, crop, colour order), weights that were not loaded"
)


def accuracy(evidence: Evidence) -> Finding:
    """Compare the share of right answers, with its Wilson interval, with guessing and the card."""
    right = evidence.right
    hits, n = int(right.sum()), len(right)
    below, above = wilson(hits, n)
    low, high = 100 * float(below), 100 * float(above)
    sentence = f"{100 * hits / n:.1f} % [{low:.1f}, {high:.1f}] on {n} images"
    guess = 100.0 / _choices(evidence)
    only = _only_answer(evidence)
    if only is not None and n >= ENOUGH:
        return Finding("accuracy", "failed", f"{sentence}: every image is taken for {only}", CAUSES)
    if low <= guess and not _far_below_card(evidence, high):
        return _guessing(evidence, sentence, guess, hits)
    return _against_card(evidence, sentence, high)


def _only_answer(evidence: Evidence) -> str | None:
    """Return the class that every image is taken for, where the labels are not all the same."""
    if not np.isfinite(evidence.outputs).all():
        return None
    said = np.unique(evidence.outputs.argmax(axis=1))
    if len(said) > 1 or len(np.unique(evidence.labels)) == 1:
        return None
    index, names = int(said[0]), evidence.model.classes.names
    return f"class {index}" + (f" ({names[index]})" if names else "")


def _choices(evidence: Evidence) -> int:
    return evidence.model.classes.count or evidence.outputs.shape[1]


def _guessing(evidence: Evidence, sentence: str, guess: float, hits: int) -> Finding:
    n = len(evidence.right)
    if n < ENOUGH:
        sentence += f": too few to tell it from guessing ({guess:.3g} %)"
        return Finding("accuracy", "warning", sentence, "raise the limit or give more images")
    shifted = relabelled(evidence, hits)
    remedy = f"{shifted}; {CAUSES}" if shifted else CAUSES
    return Finding(
        "accuracy", "failed", f"{sentence}: no better than guessing ({guess:.3g} %)", remedy
    )


def _far_below_card(evidence: Evidence, high: float) -> bool:
    card = getattr(evidence.model, "card", None)
    return bool(card and card.top1 is not None and high < card.top1 - SHORTFALL)


def _against_card(evidence: Evidence, sentence: str, high: float) -> Finding:
    card = getattr(evidence.model, "card", None)
    if card is None or card.top1 is None:
        return Finding("accuracy", "ok", f"{sentence}; no published accuracy is known")
    sentence += f"; card says {card.top1:.1f} %"
    if _far_below_card(evidence, high):
        return Finding("accuracy", "failed", sentence, CAUSES)
    if high < card.top1:
        remedy = "harder images than the benchmark's, or one of these; " + CAUSES
        return Finding("accuracy", "warning", sentence, remedy)
    return Finding("accuracy", "ok", sentence)


def relabelled(evidence: Evidence, hits: int) -> str:
    """Return a hint where the answers fit labels in another usual order, else an empty text."""
    if not np.isfinite(evidence.outputs).all():
        return ""
    predicted = evidence.outputs.argmax(axis=1)
    n = len(predicted)
    for words, labels in _orders(evidence.labels, _choices(evidence)):
        found = int((predicted == labels).sum())
        if found >= hits + max(5, n // 10):
            return f"{words} {100 * found / n:.1f} % would be right"
    return ""


def _orders(labels: NDArray[np.int32], count: int) -> Iterator[tuple[str, NDArray[np.int32]]]:
    yield "with every label one lower", labels - 1
    yield "with every label one higher", labels + 1
    if count <= 10:
        return  # single digits sort alike as text and as numbers
    as_text = np.array(sorted(range(count), key=str), np.int32)
    yield (
        "with classes sorted as text (0, 1, 10, 11, …)",
        np.argsort(as_text).astype(np.int32)[labels],
    )
    yield "with numbers for classes sorted as text (0, 1, 10, 11, …)", as_text[labels]
