"""Too few images for the differences that matter."""

from __future__ import annotations

from roadworthy.report.rules.base import Judged, rule
from roadworthy.report.sentence import Sentence

ENOUGH = 200
HALF = 5.0


@rule
def few_images(judged: Judged) -> Sentence | None:
    """Speak where the interval of the clean accuracy is wider than five points to either side."""
    if judged.clean is None:
        return None
    reading = judged.clean.readings["top1"]
    if reading.low is None or reading.high is None or (reading.high - reading.low) / 2 <= HALF:
        return None
    half = (reading.high - reading.low) / 2
    said = (
        f"{judged.clean.n} images are few: accuracies are known to about ±{half:.0f} points, and losses "
        "that may be chance are left out here."
    )
    return Sentence(said, "Give more images, or a larger --limit.", 0.0, "note")
