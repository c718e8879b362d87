"""Digital processing as a family of corruptions."""

from __future__ import annotations

from roadworthy.report.families import FAMILIES
from roadworthy.report.rules._losses import of_family
from roadworthy.report.rules.base import Judged, rule
from roadworthy.report.sentence import Sentence

NAMES = frozenset(FAMILIES["Digital"])
ADVICE = (
    "Keep the resolution, contrast and compression of deployment as they were in training, or "
    "train with those that you expect."
)


@rule
def digital(judged: Judged) -> Sentence | None:
    """Speak where a corruption of the family surely costs more than two points."""
    return of_family(judged, "Digital processing", NAMES, ADVICE)
