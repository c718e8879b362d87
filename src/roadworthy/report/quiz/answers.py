"""Files of answers: read with care, since they come by mail, and kept in the folder of the run."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from roadworthy.engine.files import write_whole
from roadworthy.errors import UsageError
from roadworthy.report.names import clean_text
from roadworthy.report.quiz.questions import Quizzed
from roadworthy.run import Run
from roadworthy.seed import digest

FOLDER = "answers"
MOST_BYTES = 16_000_000


class Answer(BaseModel):
    """What somebody said of one picture: a class, or None for no idea; and how long that took."""

    model_config = ConfigDict(frozen=True, strict=True)

    question: Annotated[str, Field(max_length=64)]
    label: Annotated[int, Field(ge=0)] | None
    seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None


class Sheet(BaseModel):
    """All that one person said in one go."""

    model_config = ConfigDict(frozen=True, strict=True)

    roadworthy: Literal["answers"]
    version: Literal[1]
    quiz: Annotated[str, Field(max_length=64)]
    who: Annotated[str, Field(min_length=1, max_length=200)]
    answers: Annotated[list[Answer], Field(min_length=1)]

    @field_validator("answers")
    @classmethod
    def _once(cls, answers: list[Answer]) -> list[Answer]:
        name, count = Counter(one.question for one in answers).most_common(1)[0]
        if count > 1:
            raise ValueError(f"question {name} is answered {count} times")
        return answers


def read(path: Path) -> Sheet:
    """Read a file that the page of a quiz has saved; raises UsageError where it is none."""
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= MOST_BYTES else b""
    except OSError as error:
        raise UsageError(f"cannot read the answers '{path}': {error.strerror or error}") from None
    if size > MOST_BYTES:
        raise UsageError(f"'{path}' is too large for a file of answers: {size} bytes")
    try:
        return Sheet.model_validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        said = clean_text(f"{where}: {first['msg']}" if where else first["msg"], limit=300)
        raise UsageError(
            f"'{path}' is no file of answers: {said}; take the file that the page of "
            "`report --quiz` saves at its end"
        ) from None


def add(run: Run, path: Path) -> Path:
    """Keep a file of answers with the run that they are about; returns where.

    The same file again is the same. Raises UsageError for a file that is none, answers to pictures
    that the run does not hold, classes that it does not have, and a second answer of one person to one
    picture.
    """
    sheet = read(path)
    quizzed = Quizzed(run)
    models = dict(quizzed.rows.select("question", "model").iter_rows())
    foreign = [one.question for one in sheet.answers if one.question not in models]
    if foreign:
        raise UsageError(
            f"'{path}': {len(foreign)} of {len(sheet.answers)} answers are to pictures that "
            f"'{run.folder}' does not hold; give the folder that the quiz was made of"
        )
    for one in sheet.answers:
        count = len(run.class_names(models[one.question]))
        if one.label is not None and one.label >= count:
            raise UsageError(f"'{path}': class {one.label} is said, and there are {count} classes")
    kept = run.folder / FOLDER / f"{digest(sheet.model_dump_json(), size=8)}.json"
    told = {one.question for one in sheet.answers}
    for other in files_in(run.folder):
        known = read(other)
        twice = told & {one.question for one in known.answers}
        if other != kept and known.who == sheet.who and twice:
            raise UsageError(
                f"'{path}': '{clean_text(sheet.who, limit=60)}' has answered {len(twice)} of these "
                f"questions before, in '{other}', and one person counts once; remove that file, or "
                'change "who" if it was somebody else'
            )
    write_whole(kept, sheet.model_dump_json(indent=1).encode())
    return kept


def files_in(folder: Path) -> list[Path]:
    """Return the files of answers that are kept in the folder of a run."""
    return sorted((folder / FOLDER).glob("[!.]*.json"))
