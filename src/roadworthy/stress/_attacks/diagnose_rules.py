"""What decides each flag: from the passes of a diagnosis to the images that show it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn import functional

from roadworthy.stress._attacks.diagnose_passes import Evidence

TOLERANCE = 1e-4
"""Difference of logits of norm 1 that counts as another answer (Croce & Hein, ICML 2020)."""

ONE = 1e-5
"""How far outputs may be off from being probabilities."""

SURPRISE = 0.5
"""Relative error of the gradient about most of three tiny steps that is no rounding and no kink:
continuous networks of all kinds were measured to stay below 0.01, those with k-WTA above 1."""

SURPRISED = 0.1
"""Share of images with such an error: a rare one may be an accident."""

COARSE = 3e-2
"""The same for a model in 16 bits, whose sums depend on the size of the batch."""

Check = Callable[[Evidence], Tensor]


def randomised(evidence: Evidence) -> Tensor:
    """Where one of five runs gives other logits or another verdict, (N,)."""
    goal, first = evidence.work.goal, evidence.runs[0]
    other = [
        _differs(first, run) | (goal.reached(run) != goal.reached(first)) for run in evidence.runs
    ]
    return torch.stack(other).any(dim=0)


def dynamic(evidence: Evidence) -> Tensor:
    """Everywhere, if the model runs backward passes of its own, (N,)."""
    return _everywhere(evidence, evidence.optimises)


def batch_dependent(evidence: Evidence) -> Tensor:
    """Where logits depend on the batch, (n,); of a random model nobody can tell."""
    if randomised(evidence).any():
        return _everywhere(evidence, False)
    first = evidence.runs[0][: len(evidence.company)]
    return _differs(first, evidence.company, TOLERANCE if evidence.exact else COARSE)


def probabilities(evidence: Evidence) -> Tensor:
    """Everywhere, if all outputs are from 0 to 1 and add up to 1, (N,).

    Of the two logits 0 and z that stand for a single output, z from 0 to 1 is enough.
    """
    logits = evidence.runs[0]
    single = logits.shape[1] == 2 and bool((logits[:, 0] == 0).all())
    bounded = bool(((logits > -ONE) & (logits < 1 + ONE)).all())
    whole = bool(((logits.sum(dim=1) - 1).abs() < ONE).all())
    return _everywhere(evidence, bounded and (whole or single))


def disconnected(evidence: Evidence) -> Tensor:
    """Everywhere, if a model that should give gradients gives none, (N,)."""
    slopes = evidence.slopes
    return _everywhere(evidence, slopes is not None and slopes.zero is None)


def nan_gradient(evidence: Evidence) -> Tensor:
    """Where logits or gradients are not finite, (N,)."""
    slopes = evidence.slopes
    return _everywhere(evidence, False) if slopes is None else slopes.broken


def zero_gradient(evidence: Evidence) -> Tensor:
    """Where the gradient of DLR or cross-entropy is exactly zero without the goal reached, (N,)."""
    if evidence.slopes is None or evidence.slopes.zero is None:
        return _everywhere(evidence, False)
    zero = evidence.slopes.zero
    return (zero["dlr"] | zero["cross_entropy"]) & ~evidence.slopes.reached


def saturated(evidence: Evidence) -> Tensor:
    """Where the gradient of cross-entropy is exactly zero and that of the margin is not, (N,)."""
    if evidence.slopes is None or evidence.slopes.zero is None:
        return _everywhere(evidence, False)
    zero = evidence.slopes.zero
    return zero["cross_entropy"] & ~zero["margin"] & ~evidence.slopes.reached


def shattered(evidence: Evidence) -> Tensor:
    """Where a short step does not do what the gradient says, (N,); none if they are few.

    A random model has no one step to compare with, and one in 16 bits jumps by rounding.
    """
    surprise = None if evidence.slopes is None else evidence.slopes.surprise
    if surprise is None or randomised(evidence).any():
        return _everywhere(evidence, False)
    wrong = surprise.median(dim=0).values > SURPRISE
    enough = float(wrong.double().mean()) >= SURPRISED
    return wrong if enough else torch.zeros_like(wrong)


CHECKS: Mapping[str, Check] = {
    check.__name__: check
    for check in (
        randomised,
        dynamic,
        batch_dependent,
        probabilities,
        disconnected,
        nan_gradient,
        zero_gradient,
        saturated,
        shattered,
    )
}
"""What decides each flag: the images that show it."""


def _everywhere(evidence: Evidence, raised: bool) -> Tensor:
    return torch.full_like(evidence.work.goal.labels, raised, dtype=torch.bool)


def _differs(a: Tensor, b: Tensor, tolerance: float = TOLERANCE) -> Tensor:
    """Where logits (N, classes), brought to norm 1, are further apart than ``tolerance``, (N,)."""
    difference = functional.normalize(a, dim=1) - functional.normalize(b, dim=1)
    further: Tensor = difference.norm(dim=1) > tolerance
    return further
