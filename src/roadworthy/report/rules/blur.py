"""Blur as a family of corruptions."""

from __future__ import annotations

from roadworthy.report.families import FAMILIES
from roadworthy.report.rules._losses import of_family
from roadworthy.report.rules.base import Judged, rule
from roadworthy.report.sentence import Sentence

NAMES = frozenset(FAMILIES["Blur"])
ADVICE = (
    "Refuse or flag frames that are out of focus or moving, and train with blur among the "
    "augmentations."
)


@rule
def blur(judged: Judged) -> Sentence | None:
    """Speak where a corruption of the family surely costs more than two points."""
    return of_family(judged, "Blur", NAMES, ADVICE)
