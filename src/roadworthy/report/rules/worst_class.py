"""A class that fares far worse than the others."""

from __future__ import annotations

from roadworthy.report.rules.base import Judged, percent, rule
from roadworthy.report.sentence import Sentence

GAP = 15.0
ADVICE = "Look at the images of that class below: wrong or ambiguous labels are as common as a weak model."


@rule
def worst_class(judged: Judged) -> Sentence | None:
    """Speak where the worst class surely lies fifteen points under the whole.

    The interval of ``worst_class_top1`` allows for having looked at all classes.
    """
    if judged.clean is None:
        return None
    own, worst = (judged.clean.readings.get(name) for name in ("top1", "worst_class_top1"))
    if own is None or worst is None or own.value is None or worst.high is None:
        return None
    gap = own.value - worst.high
    if gap <= GAP:
        return None
    said = f"Its worst class has {percent(worst)}, all together {own.text} %."
    return Sentence(said, ADVICE, own.value - (worst.value or 0.0), "serious")
