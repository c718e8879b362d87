"""Attacks in the summary, in the table and on the page."""

from __future__ import annotations

import json
from functools import cache
from io import StringIO
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from engine_world import colour_net, write_pictures
from report_fakes import FakeView
from rich.console import Console

import roadworthy as rw
from roadworthy.engine.records import SCHEMA
from roadworthy.report.blocks import Fold
from roadworthy.report.cells import Cell
from roadworthy.report.ensembles import Ensembles
from roadworthy.report.figure import Figure
from roadworthy.report.html import render
from roadworthy.report.points import who_of
from roadworthy.report.reading import Reading, number
from roadworthy.report.robustness import cascades, robustness_figures
from roadworthy.report.suites import suite_rows
from roadworthy.report.summary import summarise
from roadworthy.report.table import lines, table
from roadworthy.report.warned import Warned, warnings
from roadworthy.run import CellRecord, Run
from roadworthy.stress._attacks.flags import FLAGS

EVIL = "<img src=x onerror=alert(1)>"
STRESSES = (
    "clean",
    "pgd(eps=[2/255, 8/255], steps=3)",
    "pgd(eps=8/255, steps=5, loss=margin)",
    "fmn(norm=Linf, steps=10)",
)


def rows(stress: str, **columns: Any) -> pl.DataFrame:
    """Return records of the full schema; a column is a list or one value for all rows."""
    size = max(len(c) for c in columns.values() if isinstance(c, list))
    given = {
        "model": "m",
        "data": "d",
        "source": "m",
        "precision": "fp32",
        "stress": stress,
        "variant": "",
        "status": "ok",
        "frame_size": "32x32",
        "sample": [f"s{i}" for i in range(size)],
        **columns,
    }
    wide = {k: v if isinstance(v, list) else [v] * size for k, v in given.items()}
    return pl.DataFrame(
        {k: wide.get(k, [None] * size) for k in SCHEMA}, schema=dict(SCHEMA), strict=False
    )


def fixed(stress: str, fell: list[Any], eps: tuple[int, int] = (8, 255), **more: Any) -> Any:
    return rows(
        stress,
        **{
            "variant": f"eps={eps[0]}/{eps[1]}",
            "eps": eps[0] / eps[1],
            "eps_numerator": eps[0],
            "eps_denominator": eps[1],
            "norm": "Linf",
            "success": fell,
            "correct": [not f for f in fell],
            **more,
        },
    )


def smallest(stress: str, distances: list[float | None], **more: Any) -> pl.DataFrame:
    fell = [d is not None for d in distances]
    return rows(stress, **{"norm": "Linf", "success": fell, "linf": distances, **more})


def cell(frame: pl.DataFrame, model: str = "m", precision: str = "fp32") -> CellRecord:
    return CellRecord(
        data="d",
        model=model,
        stress=frame["stress"][0],
        precision=precision,
        request=frame["stress"][0],
        manifest="",
    )


def worst_cases(*frames: pl.DataFrame) -> list[tuple[str, float | None, int]]:
    found = Ensembles()
    for frame in frames:
        found.add(cell(frame), frame)
    made, _ = suite_rows(found.results(), lambda one: one.model, {})
    return [(row["stress"], row["value"], row["n"]) for row in made]


def test_the_worst_case_of_attacks_with_one_budget() -> None:
    one = fixed("pgd(eps=8/255)", [True, False, False, False])
    two = fixed("square(eps=8/255)", [False, True, False, False])
    small = smallest("fmn(norm=Linf)", [0.5, 0.5, 8 / 255, None])
    assert worst_cases(one, two) == [("worst_case(pgd(eps=8/255), square(eps=8/255))", 50.0, 4)]
    assert worst_cases(one, two, small) == [
        ("worst_case(pgd(eps=8/255), square(eps=8/255), fmn(norm=Linf))", 25.0, 4)
    ]
    again = smallest("eps_search(pgd, norm=Linf)", [0.25, 0.75, None, None])
    alone = worst_cases(small, again)
    assert [stress for stress, _, _ in alone] == [
        "worst_case(fmn(norm=Linf), eps_search(pgd, norm=Linf))"
    ] * 2
    assert alone[1][1:] == (0.375, 4)  # of 0.25, 0.5, 8/255, infinity: (0.25 + 0.5) / 2
    assert worst_cases(one, small) == [("worst_case(pgd(eps=8/255), fmn(norm=Linf))", 50.0, 4)]


def test_each_budget_of_a_list_has_its_worst_case() -> None:
    both = pl.concat(
        [
            fixed("pgd(eps=[8/255, 2/255])", [True, False], (8, 255)),
            fixed("pgd(eps=[8/255, 2/255])", [False, False], (2, 255)),
        ]
    )
    small = smallest("fmn(norm=Linf)", [1 / 255, 4 / 255])
    assert worst_cases(both, small) == [
        ("worst_case(pgd(eps=2/255), fmn(norm=Linf))", 50.0, 2),
        ("worst_case(pgd(eps=8/255), fmn(norm=Linf))", 0.0, 2),
    ]


@pytest.mark.parametrize(
    "other",
    [
        fixed("square(eps=4/255)", [True, True], (4, 255)),
        fixed("square(eps=8/255)", [True, True], norm="L2"),
        fixed("square(eps=8/255, target=random)", [True, True]),
        fixed("square(eps=8/255)", [True, True], frame_size="64x64"),
        fixed("square(eps=8/255)", [True, True], modifier="precision(dtype=bf16)"),
    ],
    ids=["eps", "norm", "target", "frame", "modifier"],
)
def test_attacks_that_differ_are_not_taken_together(other: pl.DataFrame) -> None:
    one = fixed("pgd(eps=8/255)", [True, False])
    assert worst_cases(one, other) == []
    assert len(worst_cases(one, other, fixed("fgsm(eps=8/255)", [False, False]))) == 1


def test_judges_in_another_precision_are_not_taken_together() -> None:
    found = Ensembles()
    for precision, name in (("fp32", "pgd"), ("bf16", "square")):
        frame = fixed(f"{name}(eps=8/255)", [True, False])
        found.add(cell(frame, precision=precision), frame)
    assert list(found.results()) == []


def test_failed_samples_of_any_member_are_counted() -> None:
    one = fixed("pgd(eps=8/255)", [True, False, None], status=["ok", "ok", "failed"])
    two = fixed("square(eps=8/255)", [True, False, False])
    found = Ensembles()
    for frame in (one, two):
        found.add(cell(frame), frame)
    made, _ = suite_rows(found.results(), lambda one: one.model, {})
    assert [(r["n"], r["failed"], r["metric"]) for r in made] == [(2, 1, "worst_case_top1")]


def flagged(frame: pl.DataFrame, *flags: list[str]) -> pl.DataFrame:
    return frame.with_columns(flags=pl.Series(flags, dtype=pl.List(pl.String)))


def test_flags_become_warnings_each_once() -> None:
    found = Warned()
    frame = flagged(
        fixed("apgd(eps=8/255)", [True, False]), ["zero_gradient", "randomised"], ["randomised"]
    )
    found.add(cell(frame), "m", frame)
    other = flagged(fixed("fgsm(eps=8/255)", [True, False]), ["zero_gradient"], [])
    found.add(cell(other), "m", other)
    assert [(w["stress"], w["flag"]) for w in found.rows()] == [
        ("apgd(eps=8/255)", "randomised"),
        ("apgd(eps=8/255)", "zero_gradient"),
        ("fgsm(eps=8/255)", "zero_gradient"),
    ]
    said = warnings({"run": {"warnings": found.rows()}})
    assert len(said) == 2
    assert said[0] == f"randomised: {FLAGS['randomised']} (seen by apgd(eps=8/255))"
    assert said[1].endswith("(seen by apgd(eps=8/255), fgsm(eps=8/255))")


def test_an_unknown_flag_is_shown_by_its_name() -> None:
    found = Warned()
    frame = flagged(fixed("mine(eps=1/255)", [True]), ["odd"])
    found.add(cell(frame), "m", frame)
    assert warnings({"run": {"warnings": found.rows()}}) == ["odd (seen by mine(eps=1/255))"]
    two = [{**one, "model": name} for name in ("a", "b") for one in found.rows()]
    assert [w.partition(":")[0] for w in warnings({"run": {"warnings": two}})] == ["a", "b"]
    # of two models one is warned of: say which
    judges = {"warnings": found.rows(), "models": [{"spec": "m"}, {"spec": "other"}]}
    assert warnings({"run": judges}) == ["m: odd (seen by mine(eps=1/255))"]


@pytest.mark.parametrize(
    ("stress", "by_apgd", "by_square", "wins"),
    [
        ("cascade(apgd, square(queries=9), eps=8/255)", 4, 1, True),
        ("cascade(apgd, square(queries=9), eps=8/255)", 0, 1, True),  # no gradient attack broke any
        ("cascade(apgd, square(queries=9), eps=8/255)", 4, 0, False),
        ("cascade(square(queries=9), apgd, eps=8/255)", 4, 1, False),
        ("autoattack(eps=8/255)", 0, 1, True),
        ("autoattack(eps=8/255, version=plus)", 4, 1, False),
    ],
)
def test_square_as_the_last_warns_if_it_was_needed(
    stress: str, by_apgd: int, by_square: int, wins: bool
) -> None:
    broken = ["apgd"] * by_apgd + ["square(queries=9)"] * by_square + [None]
    frame = fixed(stress, [b is not None for b in broken], broken_by=broken)
    found = Warned()
    found.add(cell(frame), "m", frame)
    assert [w["flag"] for w in found.rows()] == ["square_wins"] * wins


def test_square_alone_wins_against_nobody() -> None:
    broken = ["square(queries=9)", None]
    frame = fixed("cascade(square, eps=8/255)", [True, False], broken_by=broken, forwards=[9, 9])
    found = Warned()
    found.add(cell(frame), "m", frame)
    assert found.rows() == []


def points(figure: Figure | Fold) -> list[tuple[str, float, float]]:
    assert isinstance(figure, Figure)
    found = figure.spec["datasets"]["points"]
    return [(p["series"], round(p["x"], 6), round(p["value"], 6)) for p in found]


@cache
def drawn() -> list[Figure | Fold]:
    noted = {"steps_used": 10, "step_success": [1, 4, None, None]}
    frames = [
        fixed("pgd(eps=[4/255, 8/255])", [True, False, False, False], (4, 255), **noted),
        fixed("pgd(eps=[4/255, 8/255])", [True, True, False, False], (8, 255), **noted),
        smallest("fmn(norm=Linf)", [2 / 255, 6 / 255, 12 / 255, None]),
        smallest("ddn", [None] * 4).with_columns(
            norm=pl.lit("L2"),
            success=pl.lit(True),
            l2=pl.Series([0.5, 1.0, 1.5, 3.0], dtype=pl.Float32),
        ),
        rows("clean", correct=[True] * 4, source=None),
    ]
    return robustness_figures(pl.concat(frames), who_of([]))


def test_curves_over_the_budget_have_a_line_for_each_attack() -> None:
    linf, l2, _ = drawn()
    assert "(Linf)" in linf.title
    assert [p for p in points(linf) if p[0] == "pgd"] == [
        ("pgd", 0, 100),
        ("pgd", 4, 75),
        ("pgd", 8, 50),
    ]
    read = {x: value for name, x, value in points(linf) if name == "fmn(norm=Linf)"}
    assert len(read) == 33
    assert (read[0], read[1.5], read[2], read[6], read[12], read[16]) == (100, 100, 75, 50, 25, 25)
    # a single line has no legend: the title names it
    assert l2.title == "Accuracy over the budget (L2): ddn"
    assert {v for _, x, v in points(l2) if 1 <= x < 1.5} == {50}


def test_the_worst_case_over_all_attacks_is_a_line_of_its_own() -> None:
    linf, l2, _ = drawn()
    worst = {x: value for name, x, value in points(linf) if name == "worst of 2 attacks"}
    # by image: pgd finds the first at 4, the second at 8; fmn them at 2, 6, 12 and the last never
    assert (worst[0], worst[1.5], worst[2], worst[6], worst[8], worst[12], worst[16]) == (
        *(100, 100, 75, 50, 50, 25, 25),
    )
    assert points(linf)[0][0] == "worst of 2 attacks"
    assert {p[0] for p in points(l2)} == {"ddn"}


def test_many_attacks_on_several_models_have_a_chart_each() -> None:
    frames = [
        fixed(f"pgd(eps=8/255, steps={s})", [m == "a", False], model=m, source=m)
        for m in ("a", "b")
        for s in range(1, 5)
    ]
    cells = [Cell(m, "d", "", "clean", "") for m in ("a", "b")]
    worst, fold = robustness_figures(pl.concat(frames), who_of(cells))
    assert isinstance(worst, Figure)
    assert {p[0] for p in points(worst)} == {"a", "b"}
    assert [p[2] for p in points(worst) if p[0] == "a" and p[1] == 8] == [50]
    assert isinstance(fold, Fold)
    titles = [b.title for b in fold.blocks if isinstance(b, Figure)]
    assert [title.rpartition(": ")[2] for title in titles] == ["a", "b"]


def test_curves_over_steps_are_one_for_each_budget_on_an_axis_of_powers() -> None:
    steps = drawn()[-1]
    assert "strength" in steps.title
    assert [p for p in points(steps) if p[0] == "pgd(eps=8/255)"] == [
        ("pgd(eps=8/255)", 1, 75),
        ("pgd(eps=8/255)", 2, 75),
        ("pgd(eps=8/255)", 5, 50),
        ("pgd(eps=8/255)", 10, 50),
    ]
    assert isinstance(steps, Figure)
    assert '"type": "log"' in json.dumps(steps.spec)
    assert all(p["low"] < p["value"] < p["high"] for p in steps.spec["datasets"]["points"])


def test_a_chart_has_no_more_lines_than_colours() -> None:
    many = [fixed(f"pgd(eps=8/255, steps={s})", [True, False]) for s in range(1, 11)]
    chart = robustness_figures(pl.concat(many), who_of([]))[0]
    assert isinstance(chart, Figure)
    assert len({p[0] for p in points(chart)}) == 8
    assert "3 more lines are left out" in chart.caption


def test_judges_are_named_where_there_are_several() -> None:
    frames = [fixed("pgd(eps=8/255)", [True, False], model=m, source=m) for m in ("a", "b")]
    frames.append(fixed("pgd(eps=8/255)", [True, False], model="a", source="a", precision="bf16"))
    cells = [Cell(m, "d", "", "clean", "") for m in ("a", "b")]
    chart = robustness_figures(pl.concat(frames), who_of(cells))[0]
    assert {p[0] for p in points(chart)} == {"a · pgd", "b · pgd", "a [bf16] · pgd"}


def test_records_without_attacks_have_no_curves() -> None:
    none = rows("clean", correct=[True, False])
    assert robustness_figures(none, who_of([])) == []
    assert robustness_figures(SCHEMA.to_frame(), who_of([])) == []
    assert cascades(none, who_of([])) == []


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("attacks")
    data = f"imagefolder:{write_pictures(folder / 'pictures', each=4)}"
    made: Run = rw.evaluate(colour_net(), data, STRESSES, out=folder / "out")
    return made


def values(run: Run, metric: str) -> dict[tuple[str, str], Any]:
    return {
        (row["stress"], row["variant"]): row["value"]
        for row in run.summary["rows"]
        if row["metric"] == metric
    }


def test_a_run_says_what_its_attacks_did(run: Run) -> None:
    clean, two, margin, fmn = STRESSES
    robust, success = values(run, "robust_top1"), values(run, "success_rate")
    top1 = values(run, "top1")[clean, ""]
    for key in ((two, "eps=2/255"), (two, "eps=8/255"), (margin, "eps=8/255")):
        assert robust[key] == pytest.approx(top1 * (1 - success[key] / 100), abs=1e-6)
    assert (fmn, "") not in robust
    assert success[fmn, ""] == 100
    assert set(values(run, "curve_area")) == {(two, ""), (fmn, "")}
    assert 0 < values(run, "median_linf")[fmn, ""] < 16 / 255
    worst = values(run, "worst_case_top1")
    assert len(worst) == 2
    whole = next(v for (stress, _), v in worst.items() if "eps=8/255" in stress)
    assert whole <= min(robust[two, "eps=8/255"], robust[margin, "eps=8/255"])
    assert run.summary["run"]["warnings"] == []


def test_the_summary_is_json_and_the_same_again(run: Run) -> None:
    once = json.dumps(run.summary, allow_nan=False)
    assert json.dumps(summarise(Run(run.folder)), allow_nan=False) == once


def test_the_table_has_success_beside_medians(run: Run) -> None:
    text = lines(run.summary)
    head = next(line for line in text.splitlines() if line.startswith("| stress"))
    assert [h in head for h in ("robust %", "success %", "median change")] == [True] * 3
    worst = next(line for line in text.splitlines() if "worst_case(pgd(eps=8/255" in line)
    reading = next(
        Reading(r["value"], r["low"], r["high"]).full
        for r in run.summary["rows"]
        if r["metric"] == "worst_case_top1" and "eps=8/255" in r["stress"]
    )
    assert reading in worst  # in the column of robust accuracy
    fmn = next(line for line in text.splitlines() if line.startswith("| fmn"))
    assert f"{values(run, 'median_linf')[STRESSES[3], '']:.3g}" in fmn


def test_the_page_has_curves_and_a_table_of_changes(run: Run) -> None:
    text = render(run, images=0)
    section = text.partition('id="robustness"')[2].partition("</section>")[0]
    assert "Accuracy over the budget (Linf)" in section
    assert "Accuracy over the strength of the attack" in section
    assert "median Linf" in section
    assert "success %" in section
    table = section.partition("<tbody>")[2]
    assert "fmn(norm=Linf, steps=10)" in table
    assert "loss=margin" not in table  # a fixed budget says nothing of the smallest change


def fake(**changes: Any) -> FakeView:
    frame = fixed(
        "cascade(a, eps=8/255)",
        [True, True, False],
        broken_by=[f"first{EVIL}", f"second{EVIL}", None],
        forwards=[1, 9, 9],
        steps_used=[1, 2, 2],
        step_success=[1, 2, None],
        model=f"m{EVIL}",
    )
    warned = {
        "model": f"m{EVIL}",
        "data": "d",
        "stress": f"s{EVIL}",
        "flag": f"f{EVIL}",
        "text": "",
    }
    run = {"warnings": [warned]}
    return FakeView(Path("results/x"), {"run": run, "rows": []}, records=frame, **changes)


def test_a_cascade_is_told_member_by_member_and_everything_is_escaped() -> None:
    text = render(fake(), images=0)
    assert EVIL not in text
    section = text.partition('id="robustness"')[2].partition("</section>")[0]
    first, second = section.index("first&lt;img"), section.index("second&lt;img")
    assert section.index("wrong when clean") < first < second
    assert "66.7" in section[first:second]  # left after the first of three
    assert "33.3" in section[second:]
    assert "Warning: f&lt;img" in text


def test_of_searches_for_the_smallest_change_is_told_which_found_the_nearest() -> None:
    near, far = "fmn(steps=9)", "fab"
    frame = smallest(
        f"nearest({near}, {far}, norm=Linf)",
        [0.01, 0.02, 0.03, None],
        broken_by=[near, far, near, None],
        forwards=[9] * 4,
    )
    text = render(FakeView(Path("results/x"), {"run": {}, "rows": []}, records=frame), images=0)
    section = text.partition('id="robustness"')[2].partition("</section>")[0]
    told = section[section.index("found the smallest change of how many") :]
    assert ">2<" in told[told.index(near) :]
    assert "75.0" not in told  # it was not run on what is left
    assert "robust left" not in section
    assert "one after the other" not in section


def test_warnings_are_under_the_terminal_table() -> None:
    given = fake().summary
    assert f"warning  f{EVIL} (seen by s{EVIL})" in lines(given)
    console = Console(width=100, file=StringIO(), color_system=None)
    with console.capture() as capture:
        console.print(table(given, width=100))
    assert "warning" in capture.get()


def test_an_infinite_median_is_a_note_and_a_lower_end() -> None:
    reason = "the goal was reached on 3 of 9 images, so the median change is infinite"
    key = {"model": "m", "data": "d", "source": "m", "stress": "fmn", "variant": ""}
    known = {"value": None, "low": 0.25, "high": None, "n": 9, "failed": 0, "version": 1}
    names = ("median_l2", "median_l2_per_pixel")
    made = [{**key, **known, "metric": name, "unit": "none"} for name in names]
    about = {k: key[k] for k in ("model", "data", "stress")}
    given = {"rows": made, "unavailable": [{**about, "reason": f"median_l2: {reason}"}]}
    text = lines(given)
    assert "> 0.250" in text
    assert f"n/a  fmn: median_l2: {reason}" in text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3.06e-6, "3.06e-06"),
        (0.0273485, "0.0273"),
        (0.25, "0.250"),
        (512.0, "512"),
        (0.0, "0.000"),
    ],
)
def test_small_and_large_numbers_without_a_unit(value: float, text: str) -> None:
    assert number(value, "none") == text
    assert number(0.02, "nats") == "0.020"
