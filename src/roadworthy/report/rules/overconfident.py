"""A model that is more certain than it is right."""

from __future__ import annotations

from roadworthy.report.names import stress_names
from roadworthy.report.rules.base import LEAST, Judged, percent, rule
from roadworthy.report.sentence import Sentence

PLAIN = ("clean", "corruption", "sequence", "systematic")
"""Axes on which an image still shows what its label says."""

ADVICE = (
    "Fit one temperature on images that were not trained on, and do not use its confidence as a "
    "threshold under such conditions before it was checked there."
)


@rule
def overconfident(judged: Judged) -> Sentence | None:
    """Speak where confidence and accuracy surely differ by more than two points when clean.

    The text quotes the stress under which they differ most.
    """
    if judged.clean is None or (own := judged.clean.readings.get("ece")) is None:
        return None
    cells = [cell for cell in judged.cells if not cell.pooled and "ece" in cell.readings]
    sure = [c for c in cells if (c.readings["ece"].low or 0.0) > LEAST and c.axis in PLAIN]
    if not sure or own.value is None:
        return None
    worst = max(sure, key=lambda cell: (cell.readings["ece"].value or 0.0, cell.label))
    ece = worst.readings["ece"]
    name = stress_names([worst.label], 56)[worst.label]
    said = (
        f"Its confidence is off by {percent(ece)} under {name}"
        if worst is not judged.clean
        else f"Its confidence is off by {percent(ece)} even on clean images"
    )
    more = "" if worst is judged.clean else f", by {own.text} % on clean images"
    low = ece.low or 0.0
    return Sentence(f"{said}{more}.", ADVICE, ece.value or 0.0, "serious" if low > 10 else "mild")
