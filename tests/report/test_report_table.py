from __future__ import annotations

import copy
from io import StringIO
from typing import Any

import pytest
from report_fakes import CELLS, DATA, MODEL, OTHER, records, summary
from rich.console import Console

from roadworthy.report.table import lines, table


def reading(stress: str, variant: str, metric: str, *numbers: float | None) -> dict[str, Any]:
    value, low, high = numbers
    unit = "points" if metric == "drop" else "percent"
    key = {"model": "m", "data": "d", "source": None, "stress": stress, "variant": variant}
    known = {"metric": metric, "unit": unit, "value": value, "low": low, "high": high}
    return {**key, **known, "n": 40, "failed": 1, "version": 1}


SMALL = {
    "rows": [
        reading("clean", "", "top1", 87.5, 73.9, 94.54),
        reading("fog(severity=[1, 2])", "", "top1", 61.25, 50.0, 72.0),
        reading("fog(severity=[1, 2])", "", "drop", 26.25, 15.0, 37.0),
        reading("fog(severity=[1, 2])", "severity=1", "top1", 72.5, 57.2, 83.9),
        reading("fog(severity=[1, 2])", "severity=1", "drop", 15.0, 5.0, 25.0),
        reading("fog(severity=[1, 2])", "severity=2", "top1", 50.0, 35.2, 64.8),
        reading("fog(severity=[1, 2])", "severity=2", "drop", -2.5, -6.0, 1.0),
        reading("jpeg(quality=30)", "quality=30", "top1", None, None, None),
    ],
    "unavailable": [{"model": "m", "data": "d", "stress": "pgd|2", "reason": "no gradient"}],
}


def drawn(given: dict[str, Any], width: int) -> list[str]:
    console = Console(width=width, file=StringIO(), color_system=None)
    with console.capture() as capture:
        console.print(table(given, width=width))
    return [line.rstrip() for line in capture.get().splitlines()]


def test_lines_of_a_small_summary() -> None:
    assert lines(SMALL).splitlines() == [
        "m · d",
        "",
        "| stress               | variant    |           top-1 % |              drop |   n | failed |",
        "| -------------------- | ---------- | ----------------: | ----------------: | --: | -----: |",
        "| clean                |            | 87.5 [73.9, 94.5] |                 – |  40 |      1 |",
        "| fog(severity=[1, 2]) |            | 61.2 [50.0, 72.0] | 26.2 [15.0, 37.0] |  40 |      1 |",
        "| fog(severity=[1, 2]) | severity=1 | 72.5 [57.2, 83.9] |  15.0 [5.0, 25.0] |  40 |      1 |",
        "| fog(severity=[1, 2]) | severity=2 | 50.0 [35.2, 64.8] |  -2.5 [-6.0, 1.0] |  40 |      1 |",
        "| jpeg(quality=30)     | quality=30 |                 – |                 – |  40 |      1 |",
        "| pgd\\|2               |            |               n/a |               n/a |   0 |      0 |",
        "",
        "n/a  pgd|2: no gradient",
    ]


def test_table_of_a_small_summary() -> None:
    assert drawn(SMALL, 80) == [
        "m · d",
        "stress                           top-1 %                drop    n   failed",
        "──────────────────────────────────────────────────────────────────────────",
        "clean                  87.5 [73.9, 94.5]                   –   40        1",
        "fog(severity=[1, 2])   61.2 [50.0, 72.0]   26.2 [15.0, 37.0]   40        1",
        "  severity=1           72.5 [57.2, 83.9]    15.0 [5.0, 25.0]   40        1",
        "  severity=2           50.0 [35.2, 64.8]    -2.5 [-6.0, 1.0]   40        1",
        "jpeg(quality=30)                       –                   –   40        1",
        "n/a  pgd|2: no gradient",
    ]


@pytest.mark.parametrize("width", [60, 80, 100, 120, 200])
@pytest.mark.parametrize("models", [(MODEL,), (MODEL, OTHER)])
def test_tables_fit_and_keep_the_interval_of_top1(width: int, models: tuple[str, ...]) -> None:
    given = summary(records(n=10, models=models))
    shown = drawn(given, width)
    assert max(map(len, shown)) <= width
    assert ("model" in shown[1]) == (len(models) > 1)
    assert shown[0] == (DATA if len(models) > 1 else f"{MODEL} · {DATA}")
    # one line each: nothing wrapped
    cells = sum(len(v) + (len(v) > 1) for v in CELLS.values()) * len(models)
    assert len(shown) == 3 + cells + (shown[-1] == "")
    value = next(r for r in given["rows"] if r["stress"] == "clean" and r["metric"] == "top1")
    assert f"{value['value']:.1f} [{value['low']:.1f}, {value['high']:.1f}]" in shown[3]


def test_wide_terminals_see_every_interval_and_narrow_ones_lose_columns() -> None:
    given = summary(records(n=10))
    heads = {width: drawn(given, width)[1] for width in (60, 100, 200)}
    assert "ECE" in heads[200]
    assert "drop" in heads[100]
    assert len(heads[60]) < len(heads[100])
    pgd = next(line for line in drawn(given, 200) if line.startswith("pgd"))
    assert pgd.count("[") == 5  # top-1, drop, robust, changed, ECE


def test_transfer_names_its_source() -> None:
    given = copy.deepcopy(SMALL)
    for row in given["rows"]:
        row["source"] = "other" if row["stress"].startswith("jpeg") else "m"
    assert "jpeg(quality=30) made on other" in lines(given)
    assert "clean made on" not in lines(given)


@pytest.mark.parametrize("damaged", [{}, {"rows": None}, {"rows": [1]}, {"unavailable": "x"}])
def test_an_empty_summary_says_so(damaged: dict[str, Any]) -> None:
    assert "No results" in lines(damaged)
    assert "No results" in "\n".join(drawn(damaged, 80))


def test_names_are_text_and_never_markup() -> None:
    given = {"rows": [reading("fog[bold]", "", "top1", 50.0, 40.0, 60.0)], "unavailable": []}
    given["rows"].append(reading("a\x1b[2J", "", "top1", 50.0, 40.0, 60.0))
    assert "fog[bold]" in "\n".join(drawn(given, 80))
    assert "\x1b" not in lines(given) + "\n".join(drawn(given, 80))


def test_many_rows_leave_single_variants_out_and_say_so() -> None:
    names = ("fog", "snow", "contrast", "pixelate", "brightness", "frost", "zoom_blur", "saturate")
    framed = {f"{name}(frame=imagenet, store=jpeg(quality=85))": name for name in names}
    variants = ["", *(f"severity={s}" for s in range(1, 6))]
    rows = [reading(spec, v, "top1", 50.0, 40.0, 60.0) for spec in framed for v in variants]
    few = drawn({"schema": 1, "run": {}, "rows": rows[:30]}, 100)
    assert sum("severity=" in row for row in few) == 25
    many = drawn({"schema": 1, "run": {}, "rows": rows}, 100)
    assert not any("severity=" in row for row in many)
    assert any("40 rows of single variants" in row for row in many)
    # The frame and the store are the same for all, so that names can stand alone.
    assert [row.split()[0] for row in many if row.split()[0] in names] == list(names)


def test_frames_that_differ_are_named() -> None:
    specs = ["fog(frame=imagenet)", "fog(frame=tiny)"]
    rows = [reading(spec, "", "top1", 50.0, 40.0, 60.0) for spec in specs]
    text = "\n".join(drawn({"schema": 1, "run": {}, "rows": rows}, 100))
    assert all(spec in text for spec in specs)


def test_what_errors_are_divided_by_stands_below() -> None:
    suite = {"spec": "imagenet_c", "baseline": {"name": "alexnet-imagenet_c", "version": 1}}
    stresses = ["clean", "frost(frame=imagenet)"]
    given = {"schema": 1, "run": {"suites": [suite], "stresses": stresses}, "rows": []}
    text = " ".join(" ".join(drawn(given, 100)).split())
    assert "alexnet-imagenet_c (version 1) has 100 %" in text
    assert "textures grown here" in text
    given["run"]["stresses"] = ["frost(textures=originals)"]  # type: ignore[index]
    assert "textures grown here" not in " ".join(" ".join(drawn(given, 100)).split())
