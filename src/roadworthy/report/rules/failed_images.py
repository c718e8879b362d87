"""Images that could not be judged."""

from __future__ import annotations

from roadworthy.report.rules.base import Judged, rule
from roadworthy.report.sentence import Sentence


@rule
def failed_images(judged: Judged) -> Sentence | None:
    """Speak where some images failed under some stress."""
    most = max((cell.failed for cell in judged.every), default=0)
    if not most:
        return None
    images = "image" if most == 1 else "images"
    said = f"{most} {images} could not be judged and count in no figure."
    return Sentence(said, "The list of failed samples says why.", 0.5, "note")
