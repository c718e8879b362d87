"""Another decoder, resizer, crop or colour conversion than in training."""

from __future__ import annotations

from roadworthy.report.rules._changed import changed
from roadworthy.report.rules.base import Judged, rule
from roadworthy.report.rules.conversion import CONVERTED
from roadworthy.report.sentence import Sentence

OTHERS = ("jpeg", "precision", "quantize", *CONVERTED)
ADVICE = (
    "Use the same library, version and interpolation in deployment as in training, and pin them; or "
    "train with several of them."
)


@rule
def reading(judged: Judged) -> Sentence | None:
    """Speak where another way of reading the file surely changes more than two percent."""
    title = "How files are read matters"
    return changed(judged, title, OTHERS, ADVICE, others=True)
