"""Signs that robustness under attack is not real."""

from __future__ import annotations

from roadworthy.report.cells import entries, text_of
from roadworthy.report.rules.base import Judged, rule
from roadworthy.report.sentence import Sentence

HARMLESS = ("few_classes", "poor_fits", "missed_slopes", "clever_above_distance", "fools_nothing")
"""Flags that are no doubt about accuracy under attack, those about CLEVER among them."""


@rule
def doubtful(judged: Judged) -> Sentence | None:
    """Speak where an attack raised a flag that its figures are too good."""
    found: dict[str, str] = {}
    for entry in entries(judged.evidence.run, "warnings"):
        flag = text_of(entry, "flag")
        if text_of(entry, "model") == judged.model and flag and flag not in HARMLESS:
            found.setdefault(flag, text_of(entry, "text"))
    if not found:
        return None
    listed = ", ".join(found)
    said = f"Do not believe its accuracy under attack yet: attacks noticed {listed}."
    advice = next((text for text in found.values() if text), "")
    return Sentence(said, f"{advice[:1].upper()}{advice[1:]}.", 100.0, "severe")
