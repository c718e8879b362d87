"""Attacks that look for the smallest change: how near the wrong answer is."""

from __future__ import annotations

from roadworthy.report.columns import median_of
from roadworthy.report.names import stress_names
from roadworthy.report.reading import Reading
from roadworthy.report.rules.base import Judged, rule
from roadworthy.report.sentence import Sentence

NEAR = {"Linf": 4 / 255, "L2": 1.0, "L1": 24.0, "L0": 100.0}
"""Changes below these can hardly be seen; what is said is of the first norm that has one."""

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
                near.append((list(NEAR).index(norm), share, norm, reading, cell))
    if not near or judged.clean is None:
        return None
    _, share, norm, reading, cell = min(near, key=lambda one: (*one[:2], one[4].label))
    name = stress_names([cell.label], 56)[cell.label]
    change = f"{norm} {reading.full}{_per_pixel(norm, reading)}"
    said = f"Half of what it gets right falls to a change of {change}, which can hardly be seen ({name})."
    lost = (judged.clean.value("top1") or 0.0) / 2
    return Sentence(said, ADVICE, lost, "severe" if share < 0.5 else "serious")


def _per_pixel(norm: str, reading: Reading) -> str:
    """Return the largest change of a pixel in levels of 255, which everybody knows."""
    return "" if norm != "Linf" else f" ({255 * (reading.value or 0.0):.2g}/255 per pixel)"
