from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Callable
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from report_fakes import DATA, MODEL, FakeView, blocks_of, fake_view, picture

from roadworthy.errors import RoadworthyError
from roadworthy.report.blocks import Table
from roadworthy.report.html import render, script_json, write

EVIL = "<script>alert(1)</script>"
WORSE = "</script><!-- \u2028 '\"><img src=x onerror=alert(2)>&lt;"


class Page(HTMLParser):
    """Elements, the text of scripts, and the visible text of table cells."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.text = ""
        self._inside: dict[str, str | None] | None = None
        self._hidden = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append((dict(attrs), ""))
            self._inside = dict(attrs)
        self._hidden = tag == "style"

    def handle_endtag(self, tag: str) -> None:
        self._inside, self._hidden = None, False

    def handle_data(self, data: str) -> None:
        if self._inside is not None:
            self.scripts[-1] = (self.scripts[-1][0], self.scripts[-1][1] + data)
        elif not self._hidden:
            self.text += data + " "


@pytest.fixture(scope="module")
def view() -> FakeView:
    made = fake_view(Path("results/demo"))
    made.summary["unavailable"] = [
        {"model": MODEL, "data": DATA, "stress": "fmn(steps=9)", "reason": "needs a gradient"}
    ]
    bad = {"data": DATA, "sample": "photos/bad.jpg", "reasons": ["photos/bad.jpg: truncated"]}
    made.failures = [{**bad, "stresses": ["clean", "translate"]}]
    return made


@pytest.fixture(scope="module")
def html(view: FakeView) -> str:
    return render(view)


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


def test_every_number_of_the_summary_is_in_the_page(view: FakeView, page: Page) -> None:
    text = " ".join(page.text.split())
    for row in view.summary["rows"]:
        digits = 3 if row["unit"] == "nats" else 1
        value, low, high = (f"{row[k] + 0.0:.{digits}f}" for k in ("value", "low", "high"))
        value, low, high = (re.sub(r"^-(0\.0*)$", r"\1", t) for t in (value, low, high))
        assert f"{value} [{low}, {high}]" in text, row


def test_rows_pair_a_stress_with_its_own_numbers(view: FakeView, html: str) -> None:
    body = html.partition('id="results"')[2].partition("</section>")[0]
    rows = [re.sub(r"<[^>]*>|\s+", " ", row) for row in body.split("<tr>")]
    row = next(r for r in rows if "jpeg(quality=30)" in r)
    own = {
        r["metric"]: f"{r['value']:.1f} [{r['low']:.1f}, {r['high']:.1f}]"
        for r in view.summary["rows"]
        if r["stress"] == "jpeg(quality=30)"
    }
    cells = " ".join(row.split())
    assert cells.index(own["top1"]) < cells.index(own["drop"])
    assert own["ece"] not in cells  # calibration has its own table
    assert cells.endswith(" – 50")


def test_the_page_says_all_there_is(page: Page) -> None:
    text = " ".join(page.text.split())
    for expected in (
        "demo/efficientnet_lite0 gets",
        "n/a: needs a gradient",
        "photos/bad.jpg: truncated",
        "Worst classes",
        "right when clean, wrong under the stress",
        "roadworthy run -m demo/efficientnet_lite0 -d demo/photos -s quick",
        "demo/efficientnet_lite0@5f3a9c1e",
        "pillow · bicubic 256 · centre crop 224",
        "matched by name",
        "torch 2.14.0",
        "4 652 008",
    ):
        assert expected in text, expected
    assert text.count("photos/bad.jpg: truncated") == 1


def test_a_place_and_data_for_every_chart(page: Page) -> None:
    places = [a["id"] for _, a in page.tags if (a.get("id") or "").startswith("figure-")]
    data = next(text for attrs, text in page.scripts if attrs.get("id") == "figures")
    assert len(json.loads(data)) == len(places) == len(set(places)) > 5


def test_the_worst_class_comes_first(view: FakeView, html: str) -> None:
    means: dict[str, list[float]] = {}
    for row in view.summary["per_class"]:
        means.setdefault(row["name"], []).append(row["top1"])
    ranked = sorted(means, key=lambda name: (sum(means[name]) / len(means[name]), name))
    section = html.partition('id="classes"')[2].partition("</section>")[0]
    assert re.findall(r'scope="row">(name \d)', section) == ranked


def test_a_class_seen_under_fewer_stresses_is_ranked_by_its_mean() -> None:
    def row(label: int, stress: str, top1: float) -> dict[str, Any]:
        return {
            "model": "m",
            "data": "d",
            "stress": stress,
            "label": label,
            "name": "crane",
            "top1": top1,
        }

    rows = [row(134, "clean", 40.0), row(134, "fog", 40.0), row(517, "clean", 60.0)]
    (table,) = blocks_of(FakeView(Path(), {"per_class": rows}))["classes"]
    assert isinstance(table, Table)
    values = [[entry.text for entry in row.entries] for row in table.groups[0].rows]
    assert values == [["crane", "", "0", "40.0", "40.0"], ["crane", "", "0", "60.0", "–"]]


def test_a_class_is_called_worse_only_beyond_chance() -> None:
    def row(label: int, right: int, n: int) -> dict[str, Any]:
        told = {"model": "m", "data": "d", "stress": "clean", "label": label, "name": f"c{label}"}
        return {**told, "n": n, "top1": 100 * right / n, "low": 0, "high": 100}

    rows = [row(0, 0, 2), row(1, 8, 40), *(row(i, 36, 40) for i in range(2, 30)), row(30, 9, 9)]
    (table,) = blocks_of(FakeView(Path(), {"per_class": rows}))["classes"]
    assert isinstance(table, Table)
    marked = {r.entries[0].text for r in table.groups[0].rows if r.entries[1].text == "worse"}
    assert marked == {"c1"}  # two of two wrong may be chance
    assert [r.entries[0].text for r in table.groups[0].rows][:2] == ["c0", "c1"]
    assert "Of 31 classes" in table.caption
    assert "1 of them is surely worse" in table.caption
    assert "6 better classes are left out" in table.caption


def test_nothing_is_loaded_from_outside(page: Page) -> None:
    for tag, attrs in page.tags:
        assert tag not in ("link", "iframe", "object", "embed", "base", "form")
        for name in ("src", "href", "srcset", "poster", "action", "data", "background"):
            value = attrs.get(name)
            assert value is None or value.startswith(("#", "data:image/jpeg;base64,")), (tag, value)
        assert not [name for name in attrs if name.startswith("on")]
        assert "url(" not in (attrs.get("style") or "")


def test_the_policy_pins_each_script_and_forbids_the_rest(page: Page) -> None:
    policy = next(
        a["content"] or "" for t, a in page.tags if a.get("http-equiv") == "Content-Security-Policy"
    )
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "data:"
    run = [text for attrs, text in page.scripts if attrs.get("type") != "application/json"]
    pins = [base64.b64encode(hashlib.sha256(t.encode()).digest()).decode() for t in run]
    assert rules["script-src"].split() == [f"'sha256-{pin}'" for pin in pins]
    assert len(pins) == 4


def poisoned(text: str) -> FakeView:
    view = fake_view(Path("results"))
    text_of: dict[str, Any] = json.loads(
        json.dumps(view.summary).replace("jpeg(quality=30)", "STRESS").replace(MODEL, "MODEL")
    )
    view.summary = _renamed(text_of, {"STRESS": f"jpeg{text}", "MODEL": f"model{text}"})
    view.summary["unavailable"] = [
        {"model": text, "data": text, "stress": f"fmn{text}", "reason": f"reason{text}"}
    ]
    for row in view.summary["per_class"]:
        row["name"] = f"class{text}"
    view.names = tuple(f"name{i}{text}" for i in range(10))
    view.runs[0]["command"].append(text)
    named = {
        "model": pl.lit(f"model{text}"),
        "sample": pl.lit(f"file{text}.jpg") + pl.col("sample"),
    }
    view.records = view.records.with_columns(**named)
    for entry in view.summary["images"]:
        entry |= {"model": f"model{text}", "sample": f"file{text}.jpg" + entry["sample"]}
    view.failures = [{"data": text, "sample": text, "reasons": [f"why{text}"]}]
    view.problems = [f"problem{text}"]
    return view


def _renamed(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _renamed(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [_renamed(item, names) for item in value]
    return names.get(value, value) if isinstance(value, str) else value


@pytest.mark.parametrize("text", [EVIL, WORSE])
def test_whatever_users_name_stays_text(text: str, html: str) -> None:
    poisoned_page = render(poisoned(text))
    page = Page(poisoned_page)
    safe = Page(html)
    assert len(page.scripts) == len(safe.scripts) == 5
    assert {tag for tag, _ in page.tags} <= {tag for tag, _ in safe.tags} | {"img"}
    assert not [a for t, a in page.tags if t == "img" and not (a["src"] or "").startswith("data:")]
    shown = text.replace("\u2028", "\ufffd")
    for prefix in ("jpeg", "model", "class", "name1", "reason", "why", "file", "problem"):
        assert prefix + shown in page.text, prefix
    data = next(body for attrs, body in page.scripts if attrs.get("id") == "figures")
    assert f"jpeg{shown[:9]}" in json.dumps(json.loads(data), ensure_ascii=False)  # charts shorten
    assert not re.search(r"[<>&\u2028\u2029]", data)


def test_json_in_scripts_has_no_way_out() -> None:
    text = script_json({"a": f"{EVIL}{WORSE}\u2029"})
    assert not re.search(r"[<>&\u2028\u2029]", text)
    assert json.loads(text) == {"a": f"{EVIL}{WORSE}\u2029"}


def test_fifty_large_photographs_stay_under_five_megabytes(tmp_path: Path) -> None:
    view = fake_view(tmp_path)
    noisy = picture(0, size=(1600, 1200))
    view.images = dict.fromkeys(view.images, noisy)
    path = write(view, tmp_path / "deep" / "report.html", images=50)
    assert path == tmp_path / "deep" / "report.html"
    assert [tag for tag, _ in Page(path.read_text(encoding="utf-8")).tags].count("img") > 50
    assert 500_000 < path.stat().st_size < 5_000_000
    assert [p.name for p in path.parent.iterdir()] == ["report.html"]


def test_the_same_view_gives_the_same_bytes(view: FakeView, html: str) -> None:
    assert render(view) == html


@pytest.mark.parametrize(
    "damaged", [{}, {"rows": []}, {"run": None, "rows": 3, "per_class": [4], "unavailable": {}}]
)
def test_an_empty_or_damaged_run_is_a_page_that_says_so(damaged: dict[str, Any]) -> None:
    page = Page(render(FakeView(Path("results/r50"), damaged)))
    assert "Nothing was measured" in page.text
    assert "Run r50" in page.text
    # filters need a script, charts three more
    assert [a for a, _ in page.scripts] == [{"type": "application/json", "id": "figures"}, {}]


def test_unreadable_records_leave_the_numbers(view: FakeView) -> None:
    class Broken(FakeView):
        def rows(self, wanted: Callable[[str], bool] | None = None) -> pl.DataFrame:
            raise RoadworthyError("records/3f/x.parquet is damaged")

    page = Page(render(Broken(view.folder, view.summary)))
    assert "The records cannot be read: records/3f/x.parquet is damaged" in page.text
    assert "gaussian_noise(severity=1..5)" in page.text


def test_an_unwritable_place_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file" / "report.html", tmp_path):
        with pytest.raises(RoadworthyError, match=re.escape(str(place))):
            write(FakeView(tmp_path, {}), place)
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_importing_the_report_loads_nothing_heavy() -> None:
    code = (
        "import sys, roadworthy.report.html, roadworthy.report.table;"
        "print([m for m in ('torch', 'altair', 'PIL', 'jinja2', 'rich') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_titles_are_escaped_once(view: FakeView) -> None:
    ampersand = FakeView(Path("a&b"), {})
    assert "<title>Run a&amp;b – roadworthy</title>" in render(ampersand)
    assert "Run a&b" in unescape(render(ampersand))
