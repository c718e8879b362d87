"""Images that are saved once more, smaller."""

from __future__ import annotations

from roadworthy.report.rules._changed import changed
from roadworthy.report.rules.base import Judged, rule
from roadworthy.report.sentence import Sentence

ADVICE = "Ask for a higher quality where images are stored or sent, or train with compressed ones."


@rule
def compression(judged: Judged) -> Sentence | None:
    """Speak where compression surely changes more than two percent."""
    return changed(judged, "Compression matters", ("jpeg",), ADVICE)
