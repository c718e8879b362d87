"""Attacks made on other models that fool this one."""

from __future__ import annotations

from roadworthy.report.names import model_names
from roadworthy.report.rules.base import SERIOUS, Judged, percent, rule
from roadworthy.report.sentence import Sentence

ADVICE = (
    "Whoever attacks need not have this model: keeping its weights secret is no defence. An ensemble "
    "or adversarial training makes what is made elsewhere less likely to work."
)


@rule
def transferred(judged: Judged) -> Sentence | None:
    """Speak where what fools another model surely fools this one in more than ten percent."""
    found = [
        (cell.readings["transfer_rate"], cell)
        for cell in judged.evidence.every
        if cell.model == judged.model and cell.source and cell.source != cell.model
        if cell.value("transfer_rate") is not None and not cell.pooled
    ]
    sure = [(reading, cell) for reading, cell in found if (reading.low or 0.0) > SERIOUS]
    if not sure:
        return None
    reading, cell = max(sure, key=lambda one: (one[0].value or 0.0, one[1].label, one[1].source))
    source = model_names([cell.source, cell.model], 40)[cell.source]
    said = f"What is made on {source} fools it in {percent(reading)} of cases ({cell.label})."
    return Sentence(said, ADVICE, reading.value or 0.0, "serious")
