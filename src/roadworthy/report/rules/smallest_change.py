"""Attacks that look for the smallest change: how near the wrong answer is."""

from __future__ import annotations

from roadworthy.report.columns import median_of
from roadworthy.report.names import stress_names
from roadworthy.report.rules.base import Judged, rule
from roadworthy.report.sentence import Sentence

NEAR = {"Linf": 4 / 255, "L2": 1.0, "L1": 24.0, "L0": 100.0}
"""Changes below these can hardly be seen."""

ADVICE = (
    "The wrong answer lies nearer than what anybody would notice. Train adversarially, and give the "
    "distance, not only the accuracy, when you compare models."
)


@rule
def smallest_change(judged: Judged) -> Sentence | None:
    """Speak where half of what is right falls to a change that can hardly be seen."""
    near = []
    for cell in judged.cells:
        norm, reading = median_of(cell)
        if norm and reading.value is not None and reading.high is not None:
            share = reading.value / NEAR[norm]
            if reading.high < NEAR[norm] and cell.axis == "adversarial":
                near.append((share, norm, reading, cell))
    if not near or judged.clean is None:
        return None
    share, norm, reading, cell = min(near, key=lambda one: (one[0], one[3].label))
    name = stress_names([cell.label], 56)[cell.label]
    said = (
        f"Half of what it gets right falls to a change of {norm} {reading.full}, which can hardly be "
        f"seen ({name})."
    )
    lost = (judged.clean.value("top1") or 0.0) / 2
    return Sentence(said, ADVICE, lost, "severe" if share < 0.5 else "serious")
