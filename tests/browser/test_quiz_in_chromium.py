"""The quiz in a real browser: answering, going back, searching, and the file that it saves."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from browser_page import Opened
from quiz_world import NAMES, content_of, quiz_run

import roadworthy as rw
from roadworthy.report.quiz.answers import add
from roadworthy.report.quiz.page import _rendered, write
from roadworthy.report.thumbnail import drawn

Visit = Callable[..., Opened]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> rw.Run:
    return quiz_run(tmp_path_factory.mktemp("quiz"))


def test_answers_are_saved_and_taken_by_the_run(visit: Visit, run: rw.Run) -> None:
    path = write(run, run.folder / "quiz.html", questions=4).path
    page = visit(path, width=320).page
    page.fill("#who", "Ænna / 2")
    page.click("#begin")
    choices = page.locator("#choices button")
    assert choices.all_inner_texts() == list(NAMES)  # markup is text
    choices.nth(2).click()
    page.click("#back")
    assert choices.nth(2).get_attribute("aria-pressed") == "true"
    choices.nth(1).click()
    assert page.locator("#place").inner_text() == "Picture 2 of 4"
    page.click("#none")
    assert page.locator("#picture").evaluate("i => i.complete && i.naturalWidth") == 8
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # the first class
    page.click("#stop")
    assert "3 of 4" in page.locator("#sum").inner_text()
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    with page.expect_download() as waiting:
        page.click("#save")
    assert waiting.value.suggested_filename == "answers-Ænna-2.json"
    saved = Path(waiting.value.path())
    told = json.loads(saved.read_text(encoding="utf-8"))
    asked = [one["id"] for one in content_of(path)["questions"]]
    assert [(a["question"], a["label"]) for a in told["answers"]] == [
        (asked[0], 1),
        (asked[1], None),
        (asked[2], 0),
    ]
    assert told["who"] == "Ænna / 2"
    assert add(run, saved).exists()


def test_a_thousand_classes_are_searched(visit: Visit, tmp_path: Path) -> None:
    names = [(label, f"bird {label}") for label in range(1000)]
    uri = drawn(np.zeros((4, 4, 3), np.uint8))
    path = tmp_path / "quiz.html"
    path.write_text(_rendered([{"id": "q", "uri": uri, "choices": 0}], [names]))
    page = visit(path).page
    page.click("#begin")
    choices = page.locator("#choices button")
    assert choices.count() == 0
    page.fill("#search", "BIRD 99")
    assert choices.count() == 19  # 99, 199, ..., 999, and 990 to 998
    page.fill("#search", "7")
    assert choices.count() == 40
    assert "231 more" in page.locator("#found").inner_text()
    page.fill("#search", "heron")
    assert page.locator("#found").inner_text() == "no class is called that"
    page.fill("#search", "bird 417")
    page.press("#search", "Enter")
    assert "1 of 1" in page.locator("#sum").inner_text()
