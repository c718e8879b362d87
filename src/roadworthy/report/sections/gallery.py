"""Worst images."""

from __future__ import annotations

from roadworthy.report.blocks import Block, Heading, Pictures, Text
from roadworthy.report.evidence import Evidence
from roadworthy.report.gallery import worst_images
from roadworthy.report.sections.base import section

CAPTION = (
    "The frames that the model saw, made again from the images and the records: clean, under the "
    "stress, and what changed, around grey and as strong as it can be shown. In red what the model said, "
    "with its confidence."
)


@section(title="Worst images", place=1200)
def gallery(evidence: Evidence) -> list[Block]:
    """Show the most confidently wrong images, and those that a stress broke."""
    made: list[Block] = []
    gone = every = 0
    for group in worst_images(evidence):
        made += [Heading(group.title), Pictures(group.pictures)]
        every += len(group.pictures)
        gone += sum(not picture.panels for picture in group.pictures)
        if group.more:
            made.append(Text(f"{group.more} more would make the page too large.", "soft"))
    if not made:
        return []
    notes: list[Block] = [Text(CAPTION, "soft")]
    if gone:
        said = (
            f"{gone} of {every} pictures could not be made again, each for the reason that it says; "
            "what was said of them stands."
        )
        notes.append(Text(said, "warn"))
    return [*notes, *made]
