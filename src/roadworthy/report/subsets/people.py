"""What people know of subsets beside what the model does, where somebody has answered a quiz."""

from __future__ import annotations

from collections.abc import Iterator

from roadworthy.metrics.base import Estimate
from roadworthy.report.blocks import Block, Column, Entry, Group, Row, Table, Text, shown
from roadworthy.report.cells import label_of
from roadworthy.report.evidence import Evidence
from roadworthy.report.names import short_names
from roadworthy.report.quiz.scores import Score, scores
from roadworthy.report.reading import Reading

CAPTION = (
    "Answers of people to the page of report --quiz, and the predictions of the model for the same "
    "pictures: how many name the class of the image. Intervals are over pictures; that they are of few "
    "people is not in them. No idea is not right; guessing among c classes is right in one of c."
)
COLUMNS = ("pictures", "answers", "of people", "people right, %", "no idea, %", "model right, %")


def people(evidence: Evidence) -> Iterator[Block]:
    """List how many people know each kind of subset, beside the model."""
    sheets = evidence.view.answers
    if not sheets:
        return
    found = list(scores(evidence.view, evidence.subsets, sheets))
    if not found:
        yield Text("There are answers of people, but to none of these pictures.", "warn")
        return
    several = len({one.stress for one in found}) > 1
    named = {one: label_of(one.stress, one.variant) if several else one.variant for one in found}
    short = short_names(named.values(), 60)
    rows = [_row(evidence, one, short[named[one]]) for one in found]
    columns = [Column("subsets"), *(Column(text, number=True) for text in COLUMNS)]
    if len(evidence.models) > 1:
        columns.insert(0, Column("model"))
    stresses = list(dict.fromkeys(one.stress for one in found))
    yield Table(columns, [Group("", rows)], CAPTION, "People and the model", stresses)


def _row(evidence: Evidence, one: Score, text: str) -> Row:
    about = evidence.models.get(one.model, one.model) if len(evidence.models) > 1 else ""
    numbers = [Entry(str(n), number=True) for n in (one.pictures, one.answers, one.persons)]
    unknown = Reading(100 * one.unknown, None, None)
    entries = [
        Entry(text, code=True),
        *numbers,
        shown(reading(one.people)),
        shown(unknown),
        shown(reading(one.judge)),
    ]
    return Row([Entry(about), *entries] if about else entries, about=about)


def reading(estimate: Estimate) -> Reading:
    """Return an estimate as the page shows it."""
    return Reading(estimate.value, estimate.low, estimate.high, "percent", estimate.n)
