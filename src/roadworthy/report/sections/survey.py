"""The survey: how small a change suffices, against the logarithm of the error, over models."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from roadworthy.report.blocks import Block, Column, Entry, Heading, Row, Text, plain_table
from roadworthy.report.evidence import Evidence
from roadworthy.report.sections.base import section
from roadworthy.report.surveys import SurveyTable, survey_figures, survey_tables

CAPTION = (
    "How small a change suffices, against the logarithm of the error, over models. Means are over "
    "successes, medians over all attacked images with failures as infinite. A line is fitted by least "
    "squares; its slope has 95 % intervals by resampling images and models. A model stands out if its "
    "leverage is more than twice the mean."
)
MODELS = ("top-1 %", "ln(error)", "change", "success %", "leverage", "n")
LINES = ("models", "slope", "over images", "over models", "intercept", "R²")


@section(title="Survey: robustness against accuracy", place=600)
def survey(evidence: Evidence) -> list[Block]:
    """Draw changes against errors with frontier and lines, and list both."""
    tables = survey_tables(evidence.summary)
    if not tables:
        return []
    made: list[Block] = [Text(CAPTION, "soft"), *survey_figures(evidence.summary)]
    return [*made, *(block for one in tables for block in _blocks(one))]


def _blocks(one: SurveyTable) -> Iterator[Block]:
    yield Heading(one.heading, code=one.title)
    numbers = [Column(text, number=True) for text in MODELS]
    models = [
        Row([Entry(row[0]), *(Entry(text, number=True) for text in row[1:7]), Entry(row[7])])
        for row in one.models
    ]
    yield from plain_table([Column("model"), *numbers, Column("remarks")], models)
    numbers = [Column(text, number=True) for text in LINES]
    columns = [Column("line through"), *numbers, Column("without one model")]
    yield from plain_table(columns, [_fit(row) for row in one.fits])


def _fit(row: Sequence[str]) -> Row:
    start = [Entry(row[0]), Entry(row[1], number=True)]
    if not row[3]:
        return Row([*start, Entry(row[2], span=6)])
    return Row([*start, *(Entry(text, number=True) for text in row[2:7]), Entry(row[7])])
