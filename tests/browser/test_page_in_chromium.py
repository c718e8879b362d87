"""The page in a real browser: it draws, filters, hands out its data, and never asks the network."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from browser_page import Opened
from engine_world import QUICK, colour_net, write_pictures
from report_fakes import DATA, MODEL, OTHER, FakeView, fake_view, picture

import roadworthy as rw
from roadworthy.report.html import write
from roadworthy.report.reading import number

Visit = Callable[..., Opened]
EVIL = "<script>alert(1)</script>"
NAMES = ("قطة", "金鱼", "🦈 акула", "צב", "ニワトリ", EVIL, "ostrich", "ไก่", "जुगनू", "a\u202eb")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> rw.Run:
    folder = tmp_path_factory.mktemp("run")
    data = f"imagefolder:{write_pictures(folder / 'pictures', each=6)}"
    return rw.evaluate(colour_net(), data, list(QUICK), out=folder / "out")


@pytest.fixture(scope="module")
def real(run: rw.Run) -> Path:
    return write(run, run.folder / "report.html")


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the page of two models with names in every script."""
    view = fake_view(tmp_path_factory.mktemp("two"), models=(MODEL, OTHER))
    view.names = NAMES
    for row in view.summary["per_class"]:
        row["name"] = NAMES[row["label"]]
    return write(view, view.folder / "report.html")


def test_charts_are_drawn_and_nothing_is_asked_of_the_network(visit: Visit, real: Path) -> None:
    opened = visit(real)
    assert opened.drawn() >= 8
    marks = opened.page.locator(".chart svg path, .chart svg line").count()
    assert marks > 100


def test_the_numbers_on_the_page_are_those_of_the_summary(
    visit: Visit, real: Path, run: rw.Run
) -> None:
    summary = json.loads((run.folder / "summary.json").read_text())
    page = visit(real).page
    shown = page.evaluate(
        """() => Array.from(document.querySelectorAll("#results table, #calibration table")).map(
            (table) => {
              const heads = Array.from(table.tHead.rows[0].cells).map((c) => c.innerText.trim());
              const rows = Array.from(table.querySelectorAll("tbody tr:not(.axis)")).map((r) =>
                Array.from(r.cells).map((c) => c.innerText.replace(/\\s+/g, " ").trim()));
              return { heads, rows };
            })"""
    )
    headings = {"top1": "top-1 %", "drop": "drop, points", "ece": "ECE %", "top5": "top-5 %"}
    headings |= {"robust_top1": "robust top-1 %", "flip_probability": "flips %"}
    headings |= {"disagreement": "changed %", "nll": "NLL, nats", "brier": "Brier"}
    found: dict[tuple[str, str], str] = {}
    for table in shown:
        stress = ""
        for row in table["rows"]:
            stress = row[0] if "(" in row[0] or "=" not in row[0] else stress
            name = row[0] if row[0] == stress else f"{stress} {row[0]}"
            found |= {(name, head): text for head, text in zip(table["heads"], row, strict=True)}
    compared = 0
    for row in summary["rows"]:
        if row["metric"] not in headings:
            continue
        name = _named(row["stress"], row["variant"], summary)
        value, low, high = (number(row[key], row["unit"]) for key in ("value", "low", "high"))
        interval = "" if row["low"] is None else f" [{low}, {high}]"
        assert found[name, headings[row["metric"]]] == f"{value}{interval}", row
        compared += 1
    assert compared >= 60


def _named(stress: str, variant: str, summary: dict[str, Any]) -> str:
    several = {r["variant"] for r in summary["rows"] if r["stress"] == stress} - {""}
    if len(several) > 1:
        return f"{stress} {variant}".strip()
    name, bracket, rest = stress.partition("(")
    if not variant or variant in stress:
        return stress
    return f"{name}({variant}, {rest}" if bracket else f"{name}({variant})"


def test_the_verdict_quotes_the_summary(visit: Visit, real: Path, run: rw.Run) -> None:
    summary = json.loads((run.folder / "summary.json").read_text())
    top = next(r for r in summary["rows"] if (r["stress"], r["metric"]) == ("clean", "top1"))
    said = visit(real).page.locator("#verdict li").first.inner_text()
    assert f"{top['value']:.1f} % [{top['low']:.1f}, {top['high']:.1f}] of 18 images" in said


def test_names_in_any_script_and_markup_are_text(visit: Visit, two: Path) -> None:
    page = visit(two).page
    text = page.locator("#classes").inner_text()
    for name in NAMES[:-1]:
        assert name in text
    assert "a\ufffdb" in text  # what turns text around is not printed
    assert page.locator("script").count() == 5
    images = page.locator("#gallery")
    assert EVIL in images.inner_text()


def test_the_model_and_words_filter_tables(visit: Visit, two: Path) -> None:
    page = visit(two).page
    rows = page.locator("#results tbody tr:not(.axis):visible")
    every = rows.count()
    assert every == 24  # 12 a model
    model = page.locator("#model option").nth(1).inner_text()
    page.select_option("#model", model)
    assert rows.count() == every // 2
    page.locator("#results input[type=search]").fill("gaussian severity=3")
    assert rows.count() == 1
    assert page.locator("#results [role=status]").inner_text() == f"1 of {every} lines"
    page.select_option("#model", "")
    assert rows.count() == 2


def test_a_chart_gives_its_data_as_csv_and_says_how_it_was_made(visit: Visit, real: Path) -> None:
    opened = visit(real)
    figure = opened.page.locator("#overview figure").first
    figure.locator(".made summary").click()
    with opened.page.expect_download() as waiting:
        figure.locator("button[data-csv]").click()
    assert waiting.value.suggested_filename == "top-1-under-every-stress.csv"
    text = Path(waiting.value.path()).read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    specs = json.loads(re.findall(r'id="figures">(.*?)</script>', real.read_text())[0])
    points = specs[0]["datasets"]["points"]
    assert [float(row["value"]) for row in rows] == [point["value"] for point in points]
    assert figure.locator(".data tbody tr").count() == len(points)
    made = figure.locator(".made dl").inner_text()
    for words in ("clean", "imagefolder:", "seed", "roadworthy 0.1.0", "command"):
        assert words in made


def test_tables_are_sorted_by_a_click(visit: Visit, two: Path) -> None:
    page = visit(two).page
    table = page.locator("table.sortable").first
    head = table.locator("thead th.num").first
    for order in ("descending", "ascending"):
        head.locator("button").click()
        assert head.get_attribute("aria-sort") == order
        column = head.evaluate("th => th.cellIndex")
        texts = table.locator(f"tbody tr > :nth-child({column + 1})").all_inner_texts()
        values = [float(text.split()[0]) for text in texts]
        assert values == sorted(values, reverse=order == "descending")


def test_very_small_numbers_are_sorted_by_their_size(visit: Visit, two: Path) -> None:
    table = visit(two).page.locator("table.sortable").first
    head = table.locator("thead th.num").first
    cells = table.locator(f"tbody tr > :nth-child({head.evaluate('th => th.cellIndex') + 1})")
    for place, text in enumerate(("1.98e-05", "0.000356")):
        cells.nth(place).evaluate("(cell, text) => { cell.textContent = text; }", text)
    head.locator("button").click()
    assert cells.all_inner_texts()[:2] == ["0.000356", "1.98e-05"]


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_every_width_in_light_and_dark(
    visit: Visit, real: Path, width: int, scheme: str, tmp_path: Path
) -> None:
    opened = visit(real, width=width, color_scheme=scheme)
    opened.drawn()
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= width
    paper, ink = opened.page.evaluate(
        "() => [getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
    )
    levels = [sum(map(int, re.findall(r"\d+", text)[:3])) for text in (paper, ink)]
    assert levels[0] > levels[1] if scheme == "light" else levels[0] < levels[1]
    shot = tmp_path / "page.png"
    opened.page.screenshot(path=shot, full_page=False)
    assert shot.stat().st_size > 10_000


def test_the_order_of_headings_and_the_names_of_things(visit: Visit, two: Path) -> None:
    page = visit(two).page
    levels = page.evaluate(
        "() => Array.from(document.querySelectorAll('h1,h2,h3,h4')).map((h) => Number(h.tagName[1]))"
    )
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    for landmark in ("header", "nav", "main"):
        assert page.locator(landmark).count() == 1
    unnamed = page.evaluate(
        """() => Array.from(document.querySelectorAll(
            "img:not([alt]), section:not([aria-labelledby]), th:not([scope]), input:not(label input)"
          )).map((e) => e.outerHTML.slice(0, 80))"""
    )
    assert unnamed == []
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    widths = page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
    assert float(widths.removesuffix("px")) >= 2


def _luminance(colour: list[int]) -> float:
    parts = [c / 255 for c in colour[:3]]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_contrast(visit: Visit, two: Path, scheme: str) -> None:
    page = visit(two, color_scheme=scheme).page
    pairs = page.evaluate(
        """() => {
          const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
          const rgb = (colour) => {
            canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
            return Array.from(canvas.getImageData(0, 0, 1, 1).data);
          };
          const behind = (e) => {
            for (; e; e = e.parentElement) {
              const colour = rgb(getComputedStyle(e).backgroundColor);
              if (colour[3] > 250) return colour;
            }
            return [255, 255, 255, 255];
          };
          const seen = new Map();
          for (const e of document.querySelectorAll("h1,h2,h3,p,li,a,td,th,small,span,b,dt,dd,code")) {
            if (e.closest(".vega-embed") || !e.textContent.trim()) continue;
            const pair = [rgb(getComputedStyle(e).color), behind(e)];
            seen.set(JSON.stringify(pair), [pair, e.tagName + "." + e.className]);
          }
          return Array.from(seen.values());
        }"""
    )
    assert len(pairs) > 4
    for (ink, paper), where in pairs:
        light, dark = sorted((_luminance(ink), _luminance(paper)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (where, ink, paper)


def test_it_prints_all_charts_on_white(visit: Visit, real: Path) -> None:
    opened = visit(real, color_scheme="dark")
    pdf = opened.page.pdf()
    assert pdf.startswith(b"%PDF")
    drawn = opened.page.locator(".chart[data-drawn]").count()
    assert drawn == opened.page.locator(".chart").count()


def test_paper_has_the_heads_of_tables_and_what_is_folded(visit: Visit, two: Path) -> None:
    page = visit(two).page
    page.emulate_media(media="print")
    heads = page.locator("table.sortable").first.locator("thead th").all()
    assert [head.inner_text().strip() for head in heads][:2] == ["model", "top-1 %"]
    assert page.locator(".made button").first.is_hidden()
    page.locator("#verdict").evaluate(
        """(section) => { section.insertAdjacentHTML("beforeend",
            "<details class=fold>of words</details><details class=fold open>read</details>"); }"""
    )
    folds = page.locator("#verdict details.fold")
    for event, state in (("beforeprint", [True, True]), ("afterprint", [False, True])):
        page.evaluate("name => window.dispatchEvent(new Event(name))", event)
        assert folds.evaluate_all("all => all.map((one) => one.open)") == state


def test_images_that_moved_away_are_said_and_not_fatal(visit: Visit, tmp_path: Path) -> None:
    view = fake_view(tmp_path)
    view.images = {"photos/000.jpg": picture(1)}
    page = visit(write(view, tmp_path / "report.html")).page
    assert page.locator("#gallery").inner_text().count("no longer where it was") > 3


def test_ten_thousand_classes_are_a_page_that_opens_at_once(visit: Visit, tmp_path: Path) -> None:
    view = fake_view(tmp_path)
    view.summary["per_class"] = [
        {
            "model": MODEL,
            "data": DATA,
            "stress": "clean",
            "label": i,
            "name": f"class {i}",
            "n": 5,
            "top1": float(i % 101),
            "low": 0.0,
            "high": 100.0,
        }
        for i in range(10_000)
    ]
    path = write(view, tmp_path / "report.html")
    assert path.stat().st_size < 5_000_000
    page = visit(path).page
    assert page.locator("#classes tbody tr").count() == 25
    assert "9975 better classes are left out" in page.locator("#classes").inner_text()


def test_the_page_of_an_empty_run_has_no_errors(visit: Visit, tmp_path: Path) -> None:
    page = visit(write(FakeView(tmp_path, {}), tmp_path / "report.html")).page
    assert "Nothing was measured" in page.locator("#verdict").inner_text()
