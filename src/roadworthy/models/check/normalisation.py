"""Does the network get its input normalised as it was trained?"""

from __future__ import annotations

from dataclasses import replace
from math import comb

import numpy as np
from numpy.typing import NDArray

from roadworthy.models.check.alternatives import Alternative, alternatives, remedy
from roadworthy.models.check.evidence import Evidence, NotPossibleError
from roadworthy.models.check.parts import networks
from roadworthy.models.check.report import Finding, Verdict
from roadworthy.models.classifier import TorchClassifier

SCREEN = 48
"""Images on which every alternative is tried; only the best then sees all of them."""

LEAST = 8
CERTAIN, LIKELY = 0.01, 0.05
CLEAR = 5.0
"""Points by which an alternative must win, for certain, to be a failure; other leads are warnings."""

Right = NDArray[np.bool_]


def normalisation(evidence: Evidence) -> Finding:
    """Judge the images under other usual normalisations; one that is clearly better is a failure.

    The best of all on the first images is compared on all of them, image by image (exact one-sided
    McNemar test, Bonferroni over the alternatives). Members of an ensemble are looked at in turn.
    """
    found = networks(evidence.model)
    n = len(evidence.frames)
    if not len(evidence.labels) or n < LEAST:
        raise NotPossibleError(f"{n} images are too few to compare normalisations")
    findings = [_examined(evidence, network) for network in found]
    worst = {"failed": 0, "warning": 1, "ok": 2, "skipped": 3}
    return min(findings, key=lambda finding: worst[finding.verdict])


def _examined(evidence: Evidence, network: TorchClassifier) -> Finding:
    n = len(evidence.frames)
    known = evidence.right[:n] if network is evidence.model else None
    own = evidence.right_by(evidence.judged(network, 0, n)) if known is None else known
    some = min(n, SCREEN)
    tried = alternatives(network)
    best = max(tried, key=lambda a: int(_right(evidence, network, a, some).sum()))
    other = _right(evidence, network, best, some)
    if some < n and other.sum() >= own[:some].sum():
        other = _right(evidence, network, best, n)
    return compared(network, best, own[: len(other)], other, len(tried))


def compared(
    network: TorchClassifier, best: Alternative, own: Right, other: Right, tried: int
) -> Finding:
    """Tell a clear lead of ``other`` over ``own``, right or wrong (N,), from one by luck."""
    gained, lost = int((other & ~own).sum()), int((own & ~other).sum())
    chance = min(1.0, tried * by_luck(gained, lost))
    gets, count = received(network), f"{len(own)} images"
    if gained <= lost:
        sentence = (
            f"{gets}; {_percent(own)} right, and no other usual normalisation does better "
            f"({best.words}: {_percent(other)}, {count})"
        )
        return Finding("normalisation", "ok", sentence)
    if chance >= LIKELY:
        sentence = f"{gets}; {_percent(own)} right, not clearly beaten by {best.words}"
        return Finding("normalisation", "ok", f"{sentence} ({_percent(other)}, {count})")
    sentence = (
        f"{gets}; with {best.words} top-1 would be {_percent(other)} instead of {_percent(own)} "
        f"({count}, p = {chance:.1g})"
    )
    certain = chance < CERTAIN and 100 * (gained - lost) >= CLEAR * len(own)
    verdict: Verdict = "failed" if certain else "warning"
    return Finding("normalisation", verdict, sentence, remedy(network, best))


def _right(evidence: Evidence, network: TorchClassifier, how: Alternative, n: int) -> Right:
    changed = replace(network, mean=how.mean, std=how.std)
    return evidence.right_by(evidence.judged(changed, 0, n, flip=how.flip))


def by_luck(gained: int, lost: int) -> float:
    """Return the chance of at least ``gained`` of all changes being gains if both are as likely."""
    changes = gained + lost
    ways: int = sum(comb(changes, k) for k in range(gained, changes + 1))
    return float(ways / 2**changes)


def received(network: TorchClassifier) -> str:
    """Say what the network gets for pixels from black to white."""
    pairs = list(zip(network.mean, network.std, strict=True))
    low, high = min((0 - m) / s for m, s in pairs), max((1 - m) / s for m, s in pairs)
    return f"pixels reach the network as {low:.2f} to {high:.2f}"


def _percent(right: Right) -> str:
    return f"{100 * float(right.mean()):.1f} %"
