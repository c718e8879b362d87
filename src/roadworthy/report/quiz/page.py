"""The page that asks: one HTML file with all pictures in it, which holds no answers and sends none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from roadworthy.errors import RoadworthyError
from roadworthy.report.html import environment, pinned, save, script_json
from roadworthy.report.quiz.questions import Quizzed, Row
from roadworthy.report.subsets.pieces import piece_of
from roadworthy.report.thumbnail import drawn
from roadworthy.run import Run
from roadworthy.seed import digest

QUESTIONS = 60
MOST_BYTES = 40_000_000
"""So much of a page may be pictures."""


@dataclass(frozen=True)
class Written:
    """A quiz: where it is, how many pictures it asks about, and what its maker must know."""

    path: Path
    questions: int
    notes: tuple[str, ...]


def write(run: Run, path: Path, *, questions: int = QUESTIONS) -> Written:
    """Write a page that asks people what ``questions`` subsets of a run show, one an image.

    The page needs no network and holds neither the classes nor the names of the images; whoever is
    through saves a file of answers, which `answers.add` takes. Raises RoadworthyError where the run
    holds nothing to ask, or no picture can be made again.
    """
    quizzed = Quizzed(run)
    made: list[dict[str, Any]] = []
    choices: list[list[tuple[int, str]]] = []
    why: dict[str, int] = {}
    size = 0
    for row, uri, said in _pictures(quizzed):
        if said:
            why[said] = why.get(said, 0) + 1
        if uri is None:
            continue
        if len(made) == questions or size + len(uri) > MOST_BYTES:
            break
        names = quizzed.names(row["model"])
        if names not in choices:
            choices.append(names)
        made.append({"id": row["question"], "uri": uri, "choices": choices.index(names)})
        size += len(uri)
    notes = [f"{count} pictures: {text}" for text, count in why.items()]
    if not made:
        raise RoadworthyError(
            f"no picture of '{run.folder}' can be made again: {'; '.join(notes) or 'there is none'}"
        )
    if len(made) < questions:
        notes.append(f"{questions} pictures were asked for and there are {len(made)}")
    save(_rendered(made, choices), path)
    return Written(path, len(made), tuple(notes))


def _pictures(quizzed: Quizzed) -> Iterator[tuple[Row, str | None, str]]:
    """Yield what is asked, with its picture, if it can be made, and what is not as the model saw it."""
    for row in quizzed.chosen():
        piece = piece_of(quizzed.view, row)
        shown = None if piece.shown is None else drawn(piece.shown, exact=True)
        yield row, shown, piece.why


def _rendered(made: list[dict[str, Any]], choices: list[list[tuple[int, str]]]) -> str:
    from markupsafe import Markup

    folder = files("roadworthy.report") / "assets"
    script, *styles = (
        (folder / name).read_text(encoding="utf-8")
        for name in ("quiz.js", "report.css", "quiz.css")
    )
    content: Mapping[str, Any] = {
        "quiz": digest(*(one["id"] for one in made), size=8),
        "questions": made,
        "choices": choices,
    }
    return (
        environment()
        .get_template("quiz.html.j2")
        .render(
            count=len(made),
            style=Markup("".join(styles)),
            script=Markup(script),
            content=Markup(script_json(content)),
            policy=pinned([script]),
        )
    )
