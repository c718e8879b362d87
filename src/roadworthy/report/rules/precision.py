"""A network that computes in fewer bits."""

from __future__ import annotations

from roadworthy.report.rules._changed import changed
from roadworthy.report.rules.base import Judged, rule
from roadworthy.report.sentence import Sentence

ADVICE = (
    "Judge the network that is deployed, not the one that was trained; calibrate or fine-tune it in "
    "the precision it will have."
)


@rule
def precision(judged: Judged) -> Sentence | None:
    """Speak where another precision surely changes more than two percent."""
    return changed(judged, "Its precision matters", ("precision", "quantize"), ADVICE)
