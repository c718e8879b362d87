"""Does the network get its input normalised as it was trained?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import comb

import numpy as np
from numpy.typing import NDArray

from roadworthy.models.base import Stats
from roadworthy.models.check.evidence import Evidence, NotPossibleError
from roadworthy.models.check.parts import networks
from roadworthy.models.check.report import Finding, Verdict
from roadworthy.models.classifier import TorchClassifier
from roadworthy.models.statistics import DEVIATIONS, MEANS

SCREEN = 48
"""Images on which every alternative is tried; only the best then sees all of them."""

LEAST = 8
CERTAIN = 0.01
CLEAR = 5.0
"""Points by which an alternative must win to be a failure; a smaller certain lead is a warning."""

Right = NDArray[np.bool_]


@dataclass(frozen=True)
class Alternative:
    """Another way to normalise; ``flip`` gives the network blue before red."""

    words: str
    mean: Stats
    std: Stats
    flip: bool = False
    remedy: str = ""


WORDS = ("imagenet", "half", "none")
BYTES = 1 / 255
FLIP = "let its forward pass turn the channels around: x[:, [2, 1, 0]]"


def alternatives(network: TorchClassifier) -> list[Alternative]:
    """Return the usual ways to normalise that differ from the network's own."""
    usual = [
        Alternative(f"mean={word}, std={word}", MEANS[word], DEVIATIONS[word]) for word in WORDS
    ]
    usual.append(
        Alternative(
            "values from 0 to 255",
            (0.0, 0.0, 0.0),
            (BYTES, BYTES, BYTES),
            remedy="add mean=none, std=(1/255, 1/255, 1/255)",
        )
    )
    usual.append(Alternative("blue before red", network.mean, network.std, True, FLIP))
    caffe = (103.939 / 255, 116.779 / 255, 123.68 / 255)
    words = "the Caffe normalisation (blue before red, 0 to 255, mean taken off)"
    remedy = f"{FLIP}; with mean=({', '.join(f'{m:.4f}' for m in caffe)}), std=1/255 each"
    usual.append(Alternative(words, caffe, (BYTES, BYTES, BYTES), True, remedy))
    own = (network.mean, network.std)
    return [a for a in usual if a.flip or (a.mean, a.std) != own]


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
    screened = _right(evidence, network, best, some)
    if screened.sum() <= own[:some].sum():
        sentence = (
            f"{received(network)}; {_percent(own[:some])} right, and no other usual normalisation "
            f"does better ({best.words}: {_percent(screened)}, {some} images)"
        )
        return Finding("normalisation", "ok", sentence)
    other = _right(evidence, network, best, n)
    chance = len(tried) * by_luck(int((other & ~own).sum()), int((own & ~other).sum()))
    gain = 100 * (float(other.mean()) - float(own.mean()))
    if chance >= CERTAIN or gain <= 0:
        sentence = f"{received(network)}; {_percent(own)} right, not clearly beaten by {best.words}"
        return Finding("normalisation", "ok", f"{sentence} ({_percent(other)}, {n} images)")
    sentence = (
        f"{received(network)}; with {best.words} top-1 would be {_percent(other)} instead of "
        f"{_percent(own)} ({n} images, p = {chance:.1g})"
    )
    verdict: Verdict = "failed" if gain >= CLEAR else "warning"
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


def remedy(network: TorchClassifier, best: Alternative) -> str:
    """Say how to get the better normalisation for a network of this provider."""
    if best.remedy:
        return best.remedy
    if not network.id.startswith(("torch/", "wrap/")):
        return (
            "these weights were not trained with the normalisation on the card; load them by "
            f"torch:FILE.py:FACTORY(checkpoint=FILE, {best.words})"
        )
    if best.words.startswith("mean=none"):
        return "leave out mean= and std=: the network seems to normalise its input itself"
    return f"give the model {best.words}"


def _percent(right: Right) -> str:
    return f"{100 * float(right.mean()):.1f} %"
