"""Worst images."""

from __future__ import annotations

from roadworthy.report import blocks
from roadworthy.report.blocks import Block, Heading, Pictures, Text
from roadworthy.report.evidence import Evidence
from roadworthy.report.gallery import Picture, worst_images
from roadworthy.report.sections.base import section


@section(title="Worst images", place=1200)
def gallery(evidence: Evidence) -> list[Block]:
    """Show the most confidently wrong images, and those that a stress broke."""
    groups = worst_images(evidence.view, evidence.flat, images=evidence.images)
    several = len({cell.model for cell in evidence.cells}) > 1
    made: list[Block] = []
    for group in groups:
        title = f"{group.axis}: {group.title[0].lower()}{group.title[1:]}"
        made += [Heading(title), Pictures([_shown(one, several) for one in group.pictures])]
    if not made:
        return []
    return [Text("Shown as they are in the data set, before the stress.", "soft"), *made]


def _shown(one: Picture, several: bool) -> blocks.Picture:
    where = f"{one.where} · {one.model}" if several else one.where
    return blocks.Picture(
        uri=one.uri,
        alt=one.label,
        strong=one.pred,
        beside=one.confidence,
        lines=[f"truth: {one.label}"],
        soft=[where, one.sample],
    )
