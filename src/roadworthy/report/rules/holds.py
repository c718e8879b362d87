"""What surely costs little."""

from __future__ import annotations

from roadworthy.report.names import AXES, short_names
from roadworthy.report.rules._losses import losses
from roadworthy.report.rules.base import LEAST, Judged, rule
from roadworthy.report.sentence import Sentence

MOST = 4


@rule
def holds(judged: Judged) -> Sentence | None:
    """Speak of the stresses that surely take less than two points."""
    found = losses(judged, lambda cell: cell.axis not in ("clean", "suite"))
    safe = [loss for loss in found if loss.points.high is not None and loss.points.high <= LEAST]
    if not safe:
        return None
    names = short_names([loss.label for loss in safe], 44)
    ordered = sorted(safe, key=lambda one: (list(AXES).index(one.cell.axis), one.label))
    listed = ", ".join(dict.fromkeys(names[one.label] for one in ordered[:MOST]))
    more = f" and {len(safe) - MOST} more" if len(safe) > MOST else ""
    return Sentence(
        f"It holds under {listed}{more}: less than two points are lost.", "", 0.0, "fine"
    )
