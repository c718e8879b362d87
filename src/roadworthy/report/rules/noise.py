"""Noise as a family of corruptions."""

from __future__ import annotations

from roadworthy.report.families import FAMILIES
from roadworthy.report.rules._losses import of_family
from roadworthy.report.rules.base import Judged, rule
from roadworthy.report.sentence import Sentence

NAMES = frozenset(FAMILIES["Noise"])
ADVICE = (
    "Look at the noise of your own sensor first. Train with noise among the augmentations, or "
    "denoise before the model; both help most at low severities."
)


@rule
def noise(judged: Judged) -> Sentence | None:
    """Speak where a corruption of the family surely costs more than two points."""
    return of_family(judged, "Noise", NAMES, ADVICE)
