"""Answers that stand on a few pixels."""

from __future__ import annotations

from roadworthy.report.rules.base import Judged, percent, rule
from roadworthy.report.sentence import Level, Sentence

FEW = 10.0
"""Percent of the pixels from which nobody would know the picture."""

ADVICE = (
    "Accuracy on its own test set does not show this: judge it on data of another origin, and look at the "
    "pixels that it keeps. Dropping pixels in training, and ensembles, make it need more of a picture."
)


@rule
def overinterprets(judged: Judged) -> Sentence | None:
    """Speak where the mean sufficient input subset surely holds less than ten percent of the pixels."""
    found = [
        (reading, cell)
        for cell in judged.every
        if (reading := cell.readings.get("sis_size_mean")) is not None
        and reading.value is not None
        and reading.high is not None
        and reading.high < FEW
    ]
    if not found:
        return None
    reading, cell = min(found, key=lambda one: (one[0].value or 0.0, one[1].label))
    said = (
        f"Its answer stands on {percent(reading)} of the pixels, all others being blanked "
        f"({cell.label})."
    )
    level: Level = "serious" if (reading.high or FEW) < FEW / 2 else "mild"
    return Sentence(said, ADVICE, FEW - (reading.value or 0.0), level)
