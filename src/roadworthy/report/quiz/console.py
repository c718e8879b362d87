"""Quizzes for the command line: what to refuse, and what is said beside the page."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from roadworthy.errors import UsageError
from roadworthy.report.evidence import Evidence
from roadworthy.report.opened import Opened
from roadworthy.report.quiz.answers import add
from roadworthy.report.quiz.page import QUESTIONS, write
from roadworthy.report.quiz.scores import Score, scores
from roadworthy.report.reading import Reading
from roadworthy.run import Run


def page(
    folders: Sequence[Path],
    out: Path | None,
    quiz: bool,
    questions: int | None,
    answers: Sequence[Path],
    *,
    shaped: bool,
) -> Path | None:
    """Write the page of a quiz and return where it is; or take ``answers``, and None.

    ``shaped`` says whether tables or a model were asked for, which a quiz has not.
    """
    if questions is not None and not quiz:
        raise UsageError("--questions says how many pictures a quiz asks about; add --quiz")
    if not quiz:
        take(folders, answers)
        return None
    if answers:
        raise UsageError("--quiz asks people and --answers takes what they said; give one of them")
    if shaped:
        raise UsageError("a quiz is a page of its own; leave out format, model, metric and section")
    return ask(folders, out, questions=QUESTIONS if questions is None else questions)


def ask(folders: Sequence[Path], out: Path | None, *, questions: int) -> Path:
    """Write the page that asks people, tell what they need to know of it, and return where it is."""
    run = _one(folders, "--quiz")
    if questions < 1:
        raise UsageError(f"questions is 1 or more, not {questions}")
    made = write(run, out or run.folder / "quiz.html", questions=questions)
    for note in made.notes:
        _say(note)
    return made.path


def take(folders: Sequence[Path], answers: Sequence[Path]) -> None:
    """Keep files of answers with their run, and tell what people know beside the model."""
    run = _one(folders, "--answers")
    for path in answers:
        add(run, path)
    view = Opened(run)
    for one in scores(view, Evidence(view).subsets, view.answers):
        _say(_told(one))


def _one(folders: Sequence[Path], flag: str) -> Run:
    if len(set(folders)) != 1:
        raise UsageError(f"{flag} is about the pictures of one run; name one folder")
    return Run(folders[0])


def _told(one: Score) -> str:
    people, judge = (
        Reading(e.value, e.low, e.high, "percent", e.n).full for e in (one.people, one.judge)
    )
    return (
        f"{one.variant}: people are right in {people} % of {one.answers} answers to {one.pictures} "
        f"pictures, the model in {judge} %"
    )


def _say(text: str) -> None:
    print(text, file=sys.stderr)
