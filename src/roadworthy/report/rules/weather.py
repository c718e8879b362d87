"""Weather as a family of corruptions."""

from __future__ import annotations

from roadworthy.report.families import FAMILIES
from roadworthy.report.rules._losses import of_family
from roadworthy.report.rules.base import Judged, rule
from roadworthy.report.sentence import Sentence

NAMES = frozenset(FAMILIES["Weather"])
ADVICE = (
    "Collect images of the conditions that you expect, or train with augmentations that "
    "imitate them; until then say under which conditions the model may be used."
)


@rule
def weather(judged: Judged) -> Sentence | None:
    """Speak where a corruption of the family surely costs more than two points."""
    return of_family(judged, "Weather", NAMES, ADVICE)
