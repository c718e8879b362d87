"""Calibration: does the confidence say how often the model is right?"""

from __future__ import annotations

from roadworthy.report import marks
from roadworthy.report.blocks import Block
from roadworthy.report.confidence import LEAST, reliability_points
from roadworthy.report.evidence import Evidence
from roadworthy.report.figure import Figure, points_of
from roadworthy.report.levels import MOST_SERIES
from roadworthy.report.sections.base import section
from roadworthy.report.tables import results


@section(title="Calibration", place=900)
def calibration(evidence: Evidence) -> list[Block]:
    """Draw the reliability diagram and the calibration error of every stress."""
    return [*_reliability(evidence), *_errors(evidence), *_table(evidence)]


def _reliability(evidence: Evidence) -> list[Figure]:
    points = reliability_points(evidence.summary, evidence.who)
    kept = list(dict.fromkeys(p["series"] for p in points))[:MOST_SERIES]
    if not points:
        return []
    chart = marks.reliability([p for p in points if p["series"] in kept])
    caption = (
        "How often the model is right, over how confident it is. Below the dashed line it is more "
        f"confident than it is right. Every point stands for at least {LEAST} images where there are "
        "so many."
    )
    return [Figure("Reliability", caption, chart)]


def _errors(evidence: Evidence) -> list[Figure]:
    found = [cell for cell in evidence.cells if not cell.nested]
    errors = points_of(found, evidence.who, metric="ece")
    if not errors:
        return []
    chart = marks.dots(errors, title="expected calibration error, %", percent=False)
    caption = "Expected calibration error under every stress; further left is better."
    return [Figure("Calibration error", caption, chart)]


def _table(evidence: Evidence) -> list[Block]:
    caption = (
        "Does the confidence say how often the model is right? Lower is better, except for coverage: "
        "the percent of images, the most confident first, that are answered with at most 5 % errors. "
        "ECE is the mean distance between confidence and accuracy, NLL the mean of -ln of the "
        "confidence in the label, Brier the squared error of all confidences, AURC the mean error over "
        "all shares that could be answered."
    )
    return [*results(evidence, about="calibration", caption=caption)]
