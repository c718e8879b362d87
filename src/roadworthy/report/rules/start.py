"""How good the model is before anything is done to the images."""

from __future__ import annotations

from roadworthy.report.rules.base import Judged, percent, rule
from roadworthy.report.sentence import Sentence


@rule
def start(judged: Judged) -> Sentence | None:
    """Speak of every model: its accuracy on the images as they are, or that nothing says."""
    if judged.clean is None:
        said = (
            f"{judged.name} was not judged on clean images, so nothing says how good it was before."
        )
        return Sentence(said, "Add the stress clean.", 1.0, "note")
    top = percent(judged.clean.readings["top1"])
    several = len({cell.data for cell in judged.every}) > 1
    on = f" of {judged.data}" if several else ""
    said = f"{judged.name} gets {top} of {judged.clean.n} images{on} right as they are."
    return Sentence(said, "", 2.0, "note")
