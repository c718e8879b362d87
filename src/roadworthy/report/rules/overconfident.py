"""A model whose confidence does not say how often it is right."""

from __future__ import annotations

from roadworthy.report.cells import Cell
from roadworthy.report.confidence import excess
from roadworthy.report.names import stress_names
from roadworthy.report.rules.base import LEAST, Judged, as_points, rule
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
    side, before = _side(judged, worst), _side(judged, judged.clean)
    said = f"Its confidence is {side} by {as_points(ece)}"
    if worst is judged.clean:
        said += " even on clean images"
    else:
        name = stress_names([worst.label], 56)[worst.label]
        other = "" if before == side else f"{before} "
        said += f" under {name}, {other}by {own.text} points on clean images"
    low = ece.low or 0.0
    return Sentence(f"{said}.", ADVICE, ece.value or 0.0, "serious" if low > 10 else "mild")


def _side(judged: Judged, cell: Cell) -> str:
    """Say on which side confidence is wrong, if that makes up most of its error."""
    over = excess(judged.evidence.summary, model=cell.model, data=cell.data, stress=cell.stress)
    error = cell.value("ece") or 0.0
    if over is None or abs(over) < error / 2:
        return "off"
    return "too high" if over > 0 else "too low"
