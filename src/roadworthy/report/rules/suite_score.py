"""The one number by which a whole suite is quoted."""

from __future__ import annotations

from roadworthy.report.rules.base import Judged, as_points, percent, rule
from roadworthy.report.sentence import Sentence

QUOTED = {
    "mce": "mCE",
    "mfr": "mFR",
    "mean_error": "mean error",
    "flip_probability": "flip probability",
}


@rule
def suite_score(judged: Judged) -> Sentence | None:
    """Speak where a whole suite was run: its published score, or else the plain mean."""
    texts = []
    for cell in judged.every:
        if cell.nested:
            continue  # a part of the suite
        if cell.value("worst_drop") is not None:
            shown = as_points(cell.readings["worst_drop"])
            texts.append(f"read in other ways ({cell.stress}) it loses {shown} at worst")
            continue
        metric = next((m for m in QUOTED if cell.value(m) is not None), None)
        if cell.axis == "suite" and metric is not None:
            of = ", where 100 is the baseline" if metric in ("mce", "mfr") else ""
            shown = percent(cell.readings[metric])
            texts.append(f"its {QUOTED[metric]} over {cell.stress} is {shown}{of}")
    if not texts:
        return None
    said = "; ".join(texts)
    return Sentence(f"{said[:1].upper()}{said[1:]}.", "", 1.5, "note")
