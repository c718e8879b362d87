"""What people know of pictures beside what the model knows of the same ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from roadworthy.metrics.base import Estimate
from roadworthy.metrics.interval import proportion
from roadworthy.report.names import clean_text
from roadworthy.report.quiz.answers import Sheet
from roadworthy.report.quiz.questions import asked
from roadworthy.report.view import View


@dataclass(frozen=True)
class Score:
    """Pictures of one kind: how many of the answers are right, and whether the model is.

    ``people`` is over all answers, with an interval over pictures; ``model`` over the pictures that
    somebody answered. ``unknown`` is the share of answers that are "no idea", which are not right.
    """

    model: str
    data: str
    stress: str
    variant: str
    pictures: int
    answers: int
    persons: int
    people: Estimate
    judge: Estimate
    unknown: float


def scores(view: View, rows: pl.DataFrame, sheets: Sequence[Sheet]) -> Iterator[Score]:
    """Yield the score of each kind of pictures in ``rows`` that somebody has answered about.

    A class of the same name is the same answer: that is all that people were shown.
    """
    told = [(one.question, one.label, sheet.who) for sheet in sheets for one in sheet.answers]
    schema = {"question": pl.String, "said": pl.Int64, "who": pl.String}
    answers = pl.DataFrame(told, schema, orient="row")
    found = asked(rows).join(answers, on="question", how="inner", maintain_order="left_right")
    keys = ["model", "data", "stress", "variant"]
    for part in found.partition_by(keys, maintain_order=True):
        yield _score(view, *map(str, part.select(keys).row(0)), part=part)


def _score(
    view: View, model: str, data: str, stress: str, variant: str, *, part: pl.DataFrame
) -> Score:
    def name(label: int) -> str:
        return clean_text(view.class_name(model, label))

    pairs = part.select("label", "said").iter_rows()
    right = [said is not None and name(said) == name(label) for label, said in pairs]
    by_picture = (
        part.with_columns(right=pl.Series(right, dtype=pl.Float64))
        .group_by("question", maintain_order=True)
        .agg(pl.col("right").sum(), pl.len(), pl.col("correct").first().cast(pl.Float64))
    )
    sums, counts = (by_picture[column].cast(pl.Float64).to_numpy() for column in ("right", "len"))
    judged = by_picture["correct"].drop_nulls().to_numpy()
    return Score(
        model,
        data,
        stress,
        variant,
        pictures=len(by_picture),
        answers=len(part),
        persons=part["who"].n_unique(),
        people=proportion(sums, counts),
        judge=proportion(judged, np.ones(len(judged))),
        unknown=part["said"].null_count() / len(part),
    )
