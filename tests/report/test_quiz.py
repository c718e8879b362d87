"""Quizzes: what people are asked, that it gives nothing away, and what becomes of their answers."""

from __future__ import annotations

import base64
import io
import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import polars as pl
import pytest
from PIL import Image
from quiz_world import NAMES, content_of, quiz_run, sheet, write_sheet
from report_fakes import FakeView
from scipy.stats import binomtest

import roadworthy as rw
from roadworthy import UsageError
from roadworthy.cli import _exit_code
from roadworthy.errors import RoadworthyError
from roadworthy.report.blocks import Table
from roadworthy.report.evidence import Evidence
from roadworthy.report.opened import Opened
from roadworthy.report.quiz.answers import add, files_in, read
from roadworthy.report.quiz.page import write
from roadworthy.report.quiz.questions import Quizzed
from roadworthy.report.quiz.scores import Score, scores
from roadworthy.report.subsets.people import people
from roadworthy.report.subsets.pieces import piece_of
from roadworthy.run import Run


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> rw.Run:
    return quiz_run(tmp_path_factory.mktemp("quiz"))


@pytest.fixture(scope="module")
def page(world: rw.Run) -> Path:
    return write(world, world.folder / "quiz.html").path


@pytest.fixture
def run(world: rw.Run, tmp_path: Path) -> rw.Run:
    """Return a copy that nobody else answers about."""
    shutil.copytree(world.folder, tmp_path / "out")
    return Run(tmp_path / "out")


def rows_by_question(run: rw.Run) -> dict[str, dict[str, Any]]:
    return {row["question"]: row for row in Quizzed(run).rows.iter_rows(named=True)}


def scored(run: rw.Run) -> dict[str, Score]:
    view = Opened(Run(run.folder))
    return {s.variant: s for s in scores(view, Evidence(view).subsets, view.answers)}


def test_every_image_is_asked_once_and_every_kind_as_often(world: rw.Run, page: Path) -> None:
    rows, asked = rows_by_question(world), [q["id"] for q in content_of(page)["questions"]]
    images = [rows[one]["sample"] for one in asked]
    assert sorted(images) == sorted(set(images))
    assert set(images) == {row["sample"] for row in rows.values()}
    kinds = [rows[one]["variant"] for one in asked]
    counts = sorted(kinds.count(kind) for kind in ("threshold=0.6", "fraction=0.1", "fraction=0.5"))
    assert sum(counts) == len(asked) >= 9
    assert counts[-1] - counts[0] <= 1
    assert images != sorted(images)  # which are the classes one after the other


def test_pictures_are_those_that_the_model_was_shown(world: rw.Run, page: Path) -> None:
    rows = rows_by_question(world)
    for question in content_of(page)["questions"]:
        kind, _, data = question["uri"].partition(",")
        assert kind == "data:image/png;base64"
        seen = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))
        piece = piece_of(Opened(world), rows[question["id"]])
        assert piece.shown is not None
        assert piece.kept is not None
        assert np.array_equal(seen, piece.shown)
        assert piece.kept.mean() == pytest.approx(rows[question["id"]]["kept"])


def test_a_page_gives_no_class_and_no_name_away(world: rw.Run, page: Path) -> None:
    text = page.read_text()
    for row in rows_by_question(world).values():
        assert row["sample"] not in text
        assert row["content"] not in text
    assert set(content_of(page)["questions"][0]) == {"id", "uri", "choices"}
    assert [name for _, name in content_of(page)["choices"][0]] == list(NAMES)
    assert "<img src=x" not in text
    assert "http" not in text.replace('http-equiv="Content-Security-Policy"', "")


def test_names_that_two_classes_share_are_one_choice() -> None:
    named = SimpleNamespace(class_names=lambda _: ["crane", "wren", "crane", "a\nb"])
    found = Quizzed(cast(rw.Run, named)).names("m")
    assert found == [(0, "crane"), (1, "wren"), (3, "a\ufffdb")]


def test_answers_are_counted_against_the_truth_beside_the_model(run: rw.Run) -> None:
    rows = rows_by_question(run)
    tenth = {q: r for q, r in rows.items() if r["variant"] == "fraction=0.1"}
    half = {q: r for q, r in rows.items() if r["variant"] == "fraction=0.5"}
    said: dict[str, int | None] = {q: r["label"] for q, r in half.items()}
    wrong = dict(list(tenth.items())[:4])
    said |= {q: (r["label"] + 1) % 3 for q, r in wrong.items()}
    said[next(iter(wrong))] = None
    add(run, write_sheet(run.folder / "a.json", said))
    found = scored(run)
    assert set(found) == {"fraction=0.1", "fraction=0.5"}
    whole, part = found["fraction=0.5"], found["fraction=0.1"]
    assert (whole.pictures, whole.answers, whole.persons) == (len(half), len(half), 1)
    assert whole.people.value == 100
    assert whole.unknown == 0
    assert (part.pictures, part.people.value, part.unknown) == (4, 0, 0.25)
    expected = binomtest(0, 4).proportion_ci(0.95, "wilson")
    assert part.people.high == pytest.approx(100 * expected.high)
    model = [r["correct"] for r in wrong.values()]
    assert part.judge.value == pytest.approx(100 * sum(model) / 4)
    # a second person answers two of them, rightly
    more = {q: r["label"] for q, r in list(wrong.items())[:2]}
    add(run, write_sheet(run.folder / "b.json", more, who="ben"))
    part = scored(run)["fraction=0.1"]
    assert (part.pictures, part.answers, part.persons) == (4, 6, 2)
    assert part.people.value == pytest.approx(100 * 2 / 6)
    assert part.people.n == 4
    assert part.judge.value == pytest.approx(100 * sum(model) / 4)


def test_a_class_of_the_same_name_is_right(run: rw.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Opened, "class_name", lambda _self, _model, _label: "crane")
    said = {q: (r["label"] + 1) % 3 for q, r in rows_by_question(run).items()}
    add(run, write_sheet(run.folder / "a.json", said))
    assert {one.people.value for one in scored(run).values()} == {100.0}


def test_the_page_of_the_run_shows_people_beside_the_model(run: rw.Run) -> None:
    assert list(people(Evidence(Opened(run)))) == []
    said = {
        q: r["label"] for q, r in rows_by_question(run).items() if r["variant"] == "fraction=0.5"
    }
    add(run, write_sheet(run.folder / "a.json", said))
    (table,) = people(Evidence(Opened(Run(run.folder))))
    assert isinstance(table, Table)
    (row,) = table.groups[0].rows
    count = str(len(said))
    assert [one.text for one in row.entries][:6] == [
        "fraction=0.5",
        count,
        count,
        "1",
        "100.0",
        "0.0",
    ]
    assert row.entries[4].small.endswith("100.0]")
    assert list(people(Evidence(FakeView(run.folder, {})))) == []


def test_the_same_file_again_changes_nothing_and_a_person_counts_once(run: rw.Run) -> None:
    rows = rows_by_question(run)
    said: dict[str, int | None] = {q: r["label"] for q, r in rows.items()}
    path = write_sheet(run.folder / "a.json", said)
    assert add(run, path) == add(run, path)
    assert len(files_in(run.folder)) == 1
    first = next(iter(said))
    twice = write_sheet(run.folder / "b.json", {first: None})
    with pytest.raises(UsageError, match="'anna' has answered 1 of these questions before"):
        add(run, twice)
    assert len(files_in(run.folder)) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is no file of answers"),
        ("[]", "is no file of answers"),
        ("{" * 10_000, "is no file of answers"),
        ('{"a": 1}', "roadworthy: Field required"),
        (json.dumps(sheet({"q": 0}, version=2)), "version: Input should be 1"),
        (json.dumps(sheet({})), "answers: List should have at least 1 item"),
        (json.dumps(sheet({"q": -1})), "greater than or equal to 0"),
        (json.dumps(sheet({"q": "0"})), "answers.0.label"),  # type: ignore[dict-item]
        (json.dumps(sheet({"q": 0})).replace("1.5", "NaN"), "finite number"),
        (json.dumps(sheet({}, answers=[{"question": "q", "label": 0}] * 2)), "answered 2 times"),
        (json.dumps(sheet({"q": 0})), "1 of 1 answers are to pictures that .* does not hold"),
    ],
)
def test_what_is_no_file_of_answers_is_refused(
    world: rw.Run, tmp_path: Path, text: str, said: str
) -> None:
    path = tmp_path / "bad.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=said):
        add(world, path)
    assert files_in(world.folder) == []


def test_a_class_that_there_is_not_is_refused(run: rw.Run, tmp_path: Path) -> None:
    question = next(iter(rows_by_question(run)))
    with pytest.raises(UsageError, match="class 3 is said, and there are 3 classes"):
        add(run, write_sheet(tmp_path / "a.json", {question: 3}))
    with pytest.raises(UsageError, match="cannot read the answers"):
        read(tmp_path / "none.json")


def test_a_kept_file_that_was_damaged_is_said_and_left_out(run: rw.Run) -> None:
    said = {q: r["label"] for q, r in rows_by_question(run).items()}
    add(run, write_sheet(run.folder / "a.json", said)).write_text("{}")
    view = Opened(Run(run.folder))
    assert view.answers == []
    assert "is no file of answers" in view.problems[-1]


def test_where_there_is_nothing_to_ask_the_reason_is_said(
    run: rw.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(run.folder / "artifacts")
    with pytest.raises(RoadworthyError, match=r"can be made again: \d+ pictures: the order"):
        write(Run(run.folder), tmp_path / "quiz.html")
    monkeypatch.setattr(Run, "class_names", lambda _self, _model: [])
    with pytest.raises(RoadworthyError, match="have no names"):
        write(Run(run.folder), tmp_path / "quiz.html")
    monkeypatch.setattr(Evidence, "subsets", pl.DataFrame(schema=Quizzed(run).rows.schema))
    with pytest.raises(RoadworthyError, match="holds no subsets that people could be asked about"):
        write(Run(run.folder), tmp_path / "quiz.html")
    assert not (tmp_path / "quiz.html").exists()


def test_the_command_writes_asks_and_takes(
    run: rw.Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(run.folder)
    assert _exit_code(["report", folder, "--quiz", "--questions", "3"]) == 0
    assert capsys.readouterr().out.strip() == f"{folder}/quiz.html"
    assert len(content_of(run.folder / "quiz.html")["questions"]) == 3
    rows = rows_by_question(run)
    said = {q: r["label"] for q, r in rows.items() if r["variant"] == "threshold=0.6"}
    path = write_sheet(tmp_path / "a.json", said)
    assert _exit_code(["report", folder, "--answers", str(path)]) == 0
    written = capsys.readouterr()
    assert written.out.strip() == f"{folder}/report.html"
    assert "threshold=0.6: people are right in 100.0 [" in written.err
    assert "People and the model" in (run.folder / "report.html").read_text()


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--quiz", "--answers", "a.json"], "give one of them"),
        (["--questions", "3"], "add --quiz"),
        (["--quiz", "--questions", "0"], "questions is 1 or more"),
        (["--answers", "none.json"], "cannot read the answers"),
        (["elsewhere", "--quiz"], "name one folder"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    world: rw.Run, capsys: pytest.CaptureFixture[str], flags: list[str], said: str
) -> None:
    assert _exit_code(["report", str(world.folder), *flags]) == 2
    assert said in capsys.readouterr().err
