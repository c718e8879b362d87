"""Attacks that turn, shift or cover the picture."""

from __future__ import annotations

from roadworthy.report.rules._losses import losses
from roadworthy.report.rules.base import LEAST, Judged, as_points, level_of, percent, rule
from roadworthy.report.sentence import Sentence

ADVICE = (
    "Train with rotations, shifts and covered regions of the size that the camera and whoever stands "
    "before it may bring about."
)


@rule
def geometric(judged: Judged) -> Sentence | None:
    """Speak where the worst rotation, shift or patch surely costs more than two points."""
    found = losses(
        judged,
        lambda cell: (
            cell.axis == "adversarial" and cell.stress.partition("(")[0] in ("spatial", "patch")
        ),
    )
    if not found or found[0].sure <= LEAST:
        return None
    worst = found[0]
    said = (
        f"The worst turn, shift or patch takes {as_points(worst.points)} of accuracy: {worst.label} "
        f"leaves {percent(worst.left)}."
    )
    return Sentence(said, ADVICE, worst.points.value or 0.0, level_of(worst.sure))
