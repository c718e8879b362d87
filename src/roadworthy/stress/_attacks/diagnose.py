"""Look for signs that attacks on a model cannot be believed, before any attack runs."""

from __future__ import annotations

from roadworthy.stress._attacks.diagnose_passes import gather
from roadworthy.stress._attacks.diagnose_rules import CHECKS
from roadworthy.stress._attacks.flags import FLAGS
from roadworthy.stress.draws import BatchDraws
from roadworthy.stress.play import Work

IMAGES = 16
"""Images of a batch that are looked at: more would cost what it takes to break an undefended net."""


def diagnose(
    work: Work, *, rng: BatchDraws, targets: int | None = None, images: int = IMAGES
) -> tuple[str, ...]:
    """Return the flags that a model raises, names of `FLAGS`, in their order.

    Looks at the first ``images`` of ``work`` and asks about each at most 11 forward and 3 backward
    passes, all counted. ``rng`` draws a random point of the ball for each; ``targets`` is how many
    targets the attack wants to try. After the rules of Croce & Hein, ICML 2020, and
    Athalye et al., ICML 2018.
    """
    return tuple(shares(work, rng=rng, targets=targets, images=images))


def shares(
    work: Work, *, rng: BatchDraws, targets: int | None = None, images: int = IMAGES
) -> dict[str, float]:
    """Return the flags that `diagnose` raises with the share of images that show each."""
    if not len(work.x):
        return {}
    evidence = gather(work, rng, images)
    found = {name: float(check(evidence).double().mean()) for name, check in CHECKS.items()}
    if _too_few(evidence.runs.shape[2], work.goal.targets is not None, targets):
        found["few_classes"] = 1.0
    return {name: found[name] for name in FLAGS if found.get(name)}


def _too_few(classes: int, targeted: bool, targets: int | None) -> bool:
    """Whether a loss or the targets asked for need more than ``classes``."""
    need = 4 if targeted or targets is not None else 3
    return classes < need or (targets is not None and targets + 1 > classes)
