"""Sequences: how often the prediction flips from frame to frame, and accuracy over the frames."""

from __future__ import annotations

from roadworthy.report import marks
from roadworthy.report.blocks import Block
from roadworthy.report.evidence import Evidence
from roadworthy.report.figure import Figure, points_of
from roadworthy.report.frames import frame_points
from roadworthy.report.levels import MOST_SERIES, of_suites, other
from roadworthy.report.sections.base import section
from roadworthy.report.tables import results

TABLE = (
    "Flips are the percent of comparisons of two frames in which the answer differs; T5D is how far the "
    "first five classes move, 0 to 15. Rates are in percent of the baseline's."
)


@section(title="Sequences", place=300)
def sequences(evidence: Evidence) -> list[Block]:
    """Draw how steady predictions are while the picture changes little by little."""
    found, who = evidence.cells, evidence.who
    rates = of_suites(found, who, "flip_rate", "Flip rate")
    table = results(evidence, about="flips", caption=TABLE)
    return [*_flips(evidence), *_frames(evidence), *rates, *table]


def _flips(evidence: Evidence) -> list[Figure]:
    own = [cell for cell in evidence.cells if cell.axis == "sequence"]
    points = points_of(own, evidence.who, metric="flip_probability")
    if not points:
        return other(own, evidence.who)
    caption = "How often the prediction changes from one frame to the next; further left is better."
    return [
        Figure("Flips between frames", caption, marks.dots(points, title="flip probability, %"))
    ]


def _frames(evidence: Evidence) -> list[Figure]:
    points = frame_points(evidence.summary, evidence.who)
    if not points or len({p["series"] for p in points}) > MOST_SERIES:
        return []
    chart = marks.bands(points, x="frame", y="top-1, %")
    return [Figure("Accuracy over the frames", "Top-1 accuracy frame by frame.", chart)]
