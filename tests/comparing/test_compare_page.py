"""The page of a comparison: every number of the table, nothing that could run."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import numpy as np
import pytest
from made_runs import made_run

import roadworthy as rw
from roadworthy.comparing.page import section, write
from roadworthy.comparing.result import Comparison
from roadworthy.comparing.text import blocks, lines, sentences

EVIL = "demo/<script>alert(1)</script>"


@pytest.fixture
def found(tmp_path: Path) -> Comparison:
    draws = np.random.default_rng(0)
    for name, share in (("a", 0.9), ("b", 0.6)):
        right = {"clean": draws.random(80) < share, "fog": draws.random((80, 5)) < share}
        made_run(tmp_path / name, right, model=EVIL if name == "b" else "demo/a")
    return rw.compare(tmp_path / "a", tmp_path / "b")


def test_labels_of_models_show_as_text(found: Comparison, tmp_path: Path) -> None:
    page = write(found, tmp_path / "page.html").read_text()
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "default-src 'none'" in unescape(page)


def test_the_page_has_the_numbers_of_the_table(found: Comparison) -> None:
    texts = set(re.findall(r">([^<>]+)<", section(found)))
    shown = {unescape(text) for text in texts}
    text = lines(found).partition("**Images that flip")[0]
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    cells = {cell.strip() for line in rows for cell in line.strip("|").split(" | ")}
    numbers = {cell for cell in cells if re.match(r"[-+<]?\s?\d", cell)}
    assert len(numbers) > 20
    assert numbers <= shown


def test_marks_lie_where_the_differences_are(found: Comparison) -> None:
    marks = re.findall(r'<line x1="([\d.]+)" y1="8" x2="([\d.]+)".*?cx="([\d.]+)"', section(found))
    tests = [test.place for test in found.tests]
    top1 = {one.place: one for one in found.differences if one.metric == "top1"}
    assert len(marks) == len(tests)
    ends = [top1[place].change for place in tests]
    reach = max(abs(float(v or 0)) for c in ends for v in (c.low, c.high))
    for (low, high, middle), change in zip(marks, ends, strict=True):
        expected = [
            100 + 96 * float(v or 0) / reach for v in (change.low, change.high, change.value)
        ]
        assert [float(v) for v in (low, high, middle)] == pytest.approx(expected, abs=0.06)


def test_a_notebook_gets_a_section_without_pictures(found: Comparison) -> None:
    assert found._repr_html_().count("<section") == 1
    assert "<img" not in found._repr_html_()


def test_text_says_what_differs_beyond_chance(found: Comparison) -> None:
    text = str(found)
    assert "Of 2 stresses B has more images right under 0 and fewer under 2 beyond chance" in text
    assert re.search(r"\| fog +\| +80 \|", text)
    assert "< 0.001" in text


def test_models_of_one_file_are_told_apart_in_all_of_it(tmp_path: Path) -> None:
    network = "torch:/w/nets.py:net(checkpoint='/w/{}.pt', mean=imagenet, std=imagenet, size=32)"
    right = np.arange(40) % 4 > 0
    for sequence, name in enumerate(("first", "second"), 1):
        run = made_run(
            tmp_path / "run", {"clean": right}, model=network.format(name), sequence=sequence
        )
    same = rw.compare(run, run)
    assert "beyond chance (exact McNemar, Holm, 5 %) (net (second))." in sentences(same)[1]
    titles = [block.title for block in blocks(same)]
    assert titles[:2] == [f"net ({name}) on imagefolder:d" for name in ("first", "second")]
    other = rw.compare(run, run, model_a="first", model_b="second")
    assert blocks(other)[0].title == "net (first) (A), net (second) (B) on imagefolder:d"
    assert "net (first) (A), net (second) (B) on" in section(other)
