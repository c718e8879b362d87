"""Predictions that change while the picture changes little by little."""

from __future__ import annotations

from roadworthy.report.names import stress_names
from roadworthy.report.rules.base import LEAST, Judged, level_of, percent, rule
from roadworthy.report.sentence import Sentence

ADVICE = (
    "In a video, decide over several frames instead of one. Networks that blur before they subsample, "
    "and training with small shifts, flip less."
)


@rule
def flips(judged: Judged) -> Sentence | None:
    """Speak where the answer surely changes in more than two of a hundred steps."""
    found = [
        (cell.readings["flip_probability"], cell)
        for cell in judged.every
        if cell.axis == "sequence"
        and not cell.pooled
        and cell.value("flip_probability") is not None
    ]
    sure = [(reading, cell) for reading, cell in found if (reading.low or 0.0) > LEAST]
    if not sure:
        return None
    reading, cell = max(sure, key=lambda one: (one[0].value or 0.0, one[1].label))
    name = stress_names([cell.label], 56)[cell.label]
    said = (
        f"Its answer changes from frame to frame: in {percent(reading)} of the steps of {name}, whose "
        f"frames hardly differ."
    )
    return Sentence(said, ADVICE, reading.value or 0.0, level_of(reading.low or 0.0))
