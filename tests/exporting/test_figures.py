"""Figures for papers: the numbers of the page, nothing cut off, the same file twice."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib import rc_context
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure as Drawn
from matplotlib.patches import Rectangle
from matplotlib.text import Annotation
from report_fakes import MODEL, OTHER, FakeView, fake_view
from rich.cells import cell_len

from roadworthy.errors import MissingPackageError, RoadworthyError, UsageError
from roadworthy.plotting.charts import Chart, chart, charts
from roadworthy.plotting.heat import heat_figure
from roadworthy.plotting.lines import longest, wrapped
from roadworthy.plotting.look import COLORS, PAGE, settings
from roadworthy.plotting.names import placed
from roadworthy.plotting.paper import figure_of, rendered, write_figures
from roadworthy.plotting.scene import Scene
from roadworthy.report import marks
from roadworthy.report.blocks import Column, Entry, Fold, Group, Row, Table
from roadworthy.report.evidence import Evidence
from roadworthy.report.scatter import scatter
from roadworthy.report.sections.base import in_order
from roadworthy.report.style import Point, Spec

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def every() -> dict[str, Chart]:
    evidence = Evidence(fake_view(Path("results/demo"), models=(MODEL, OTHER)), 0)
    return {one.name: one for one in charts(evidence)}


def drawn(spec: Spec) -> Drawn:
    with rc_context(settings()), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")
        figure = figure_of(spec)
        figure.draw_without_rendering()
    return figure


def point(label: str, series: str, value: float, *, x: float | None = None) -> Point:
    return {
        "label": label, "series": series, "x": x, "value": value,
        "low": value - 4, "high": value + 6, "text": str(value), "n": 9,
    }  # fmt: skip


def texts(figure: Drawn) -> Iterator[Any]:
    (axes,) = figure.axes
    yield from axes.texts
    for axis in (axes.xaxis, axes.yaxis):
        yield axis.label
        low, high = sorted(axis.get_view_interval())
        yield from (tick.label1 for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high)
        yield from (tick.label2 for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high)
    for legend in figure.legends:
        yield from legend.get_texts()


def of_lines(axes: Any) -> list[tuple[str, Any, list[tuple[float, float]]]]:
    """Return colour, marker and places of all lines that were drawn."""
    return [
        (to_hex(one.get_color()), one.get_marker(), list(zip(*one.get_data(), strict=True)))
        for one in axes.lines
    ]


def test_every_chart_has_a_name_of_its_own_and_a_form(every: dict[str, Chart]) -> None:
    assert {name: one.form for name, one in every.items()} == {
        "overview-top-1-under-every-stress": "dots",
        "corruptions-accuracy-over-severity": "curve",
        "sequences-flips-between-frames": "dots",
        "sequences-accuracy-over-the-frames": "curve",
        "robustness-accuracy-over-eps-linf": "curve",
        "systematic-accuracy-lost": "dots",
        "calibration-reliability": "curve",
        "calibration-calibration-error": "dots",
    }


def test_charts_of_one_title_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    evidence = Evidence(fake_view(Path("results/demo")), 0)
    figure = next(charts(evidence)).figure
    section = next(iter(in_order()))
    twice = [(section, [figure, Fold("more", [replace(figure, title="")]), figure])]
    monkeypatch.setattr("roadworthy.plotting.charts.written", lambda _: twice)
    names = [one.title for one in charts(evidence)]
    first = "top-1-under-every-stress"
    assert names == [first, "more", f"{first}-2"]


def test_a_chart_is_found_by_name_section_and_form() -> None:
    evidence = Evidence(fake_view(Path("results/demo")), 0)
    curve = "corruptions-accuracy-over-severity"
    for name in (curve, "accuracy-over-severity", "corruptions", "curve"):
        assert chart(evidence, name).name == curve
    with pytest.raises(UsageError, match="no chart 'calibratoin'; did you mean 'calibration'"):
        chart(evidence, "calibratoin")
    with pytest.raises(UsageError, match="the run has no charts yet"):
        chart(Evidence(FakeView(Path(), {})), "curve")


def test_curves_go_through_the_points_of_the_page(every: dict[str, Chart]) -> None:
    spec = every["corruptions-accuracy-over-severity"].figure.spec
    (axes,) = drawn(spec).axes
    points, shown = spec["datasets"]["points"], of_lines(axes)
    for number, name in enumerate(dict.fromkeys(p["series"] for p in points)):
        own = sorted(
            (p["x"], p["value"], p["low"], p["high"]) for p in points if p["series"] == name
        )
        mine = [places for color, _, places in shown if color == COLORS[number].lower()]
        lines = [places for places in mine if len(places) == len(own)]
        assert lines == [[(x, y) for x, y, _, _ in own]] * 2  # through the points, and the points
        bars = sorted(places for places in mine if places not in lines)
        assert bars == [[(x, low), (x, high)] for x, _, low, high in own]
    assert axes.get_ylim() == (0, 100)
    assert axes.get_xlabel() == "severity (0 is clean)"


def test_dots_lie_on_the_lines_of_their_names(every: dict[str, Chart]) -> None:
    spec = every["overview-top-1-under-every-stress"].figure.spec
    figure = drawn(spec)
    (axes,) = figure.axes
    points = spec["datasets"]["points"]
    names = list(dict.fromkeys(p["label"] for p in points))
    shown = [label.get_text() for label in axes.get_yticklabels()]
    assert [text.replace("\n", " ").replace("( ", "(") for text in shown] == names
    dots = (places for _, marker, places in of_lines(axes) if marker not in ("None", "", None))
    found = {(x, round(y)) for places in dots for x, y in places}
    assert found == {(p["value"], names.index(p["label"])) for p in points}
    low, high = axes.get_ylim()
    assert low > high  # the first name is on top
    (legend,) = figure.legends
    listed = [text.get_text().replace("\n", " ") for text in legend.get_texts()]
    assert listed == list(dict.fromkeys(p["series"] for p in points))


def test_cells_of_a_heat_map_have_their_numbers_and_are_darker_the_worse() -> None:
    entries = [("a", (0.0, 0.4)), ("b", (1.0, None))]
    rows = [
        Row([Entry(name), *(Entry(str(100 - 10 * i), heat=heat) for i, heat in enumerate(heats))])
        for name, heats in entries
    ]
    table = Table(
        [Column("corruption"), Column("severity 1"), Column("severity 2")], [Group("", rows)]
    )
    made = heat_figure(table, "heat")
    assert made is not None
    (axes,) = drawn(made.spec).axes
    cells = {
        one.get_xy(): one.get_facecolor() for one in axes.patches if isinstance(one, Rectangle)
    }
    assert sorted(cells) == [(-0.5, -0.5), (-0.5, 0.5), (0.5, -0.5)]  # the one without heat is bare
    shade = {place: sum(to_rgb(color)) for place, color in cells.items()}
    assert shade[-0.5, -0.5] > shade[0.5, -0.5] > shade[-0.5, 0.5]
    written = {(one.xy, one.get_text()) for one in axes.texts if isinstance(one, Annotation)}
    assert written == {((0, 0), "100"), ((1, 0), "90"), ((0, 1), "100"), ((1, 1), "90")}
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1", "2"]
    assert axes.get_xlabel() == "severity"
    plain = [Row([Entry("a"), Entry("1"), Entry("2")])]
    assert heat_figure(replace(table, groups=[Group("", plain)]), "none") is None


def long_names(count: int) -> list[str]:
    parts = (
        "resnet20 (cifar10_resnet20)",
        "parquet:…/cifar10_test.parquet",
        "pgd(eps=8/255, steps=10)",
    )
    return [
        " · ".join((f"{number} {parts[0]}", *parts[1 : 1 + number % 3])) for number in range(count)
    ]


def grid(rows: int, head: str, columns: int) -> Spec:
    heads = [Column("made on the images of"), *(Column(f"{head} {i}") for i in range(columns))]
    lines = [
        Row([Entry(name), *(Entry("62.5", heat=0.5) for _ in range(columns))])
        for name in long_names(rows)
    ]
    made = heat_figure(Table(heads, [Group("", lines)]), "heat")
    assert made is not None
    return made.spec


SPECS = {
    "curves": lambda: marks.curves(
        [point("", name, 50, x=x) for name in long_names(11) for x in (0.0, 1.0)],
        x="eps (Linf, in 1/255); 0 is clean and this title is rather long", 
        y="median change, L2 per element",
    ),
    "dots": lambda: marks.dots(
        [point(f"worst_case({name}, {name})", s, 40) for name in long_names(4) for s in long_names(3)],
        title="drop in top-1, points", percent=False, zero=True,
    ),
    "one dot": lambda: marks.dots([point("猫" * 30, "", 99)], title="top-1, %"),
    "heat": lambda: grid(1, "severity", 5),
    "wide heat": lambda: grid(6, "resnet", 9),
    "scatter": lambda: scatter(
        [point(n[:28], "", float(i % 3), x=i / 9) for i, n in enumerate(long_names(9))],
        x="ln(1 - accuracy)", y="median change, Linf, pixels in 0 to 1",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SPECS)
def test_nothing_is_cut_off(name: str) -> None:
    figure = drawn(SPECS[name]())
    width, height = figure.bbox.width, figure.bbox.height
    assert figure.get_figwidth() <= PAGE
    found = [one for one in texts(figure) if one.get_visible() and one.get_text()]
    assert len(found) > 5
    for one in found:
        box = one.get_window_extent()
        inside = box.x0 > -1 and box.y0 > -1 and box.x1 < width + 1 and box.y1 < height + 1
        assert inside, (one.get_text(), box, width, height)


def test_names_beside_points_do_not_cover_each_other() -> None:
    close = [point(f"network {i}", "", 50 + 3 * i, x=0.5 + i / 500) for i in range(5)]
    ends = [point("a", "", 0, x=0), point("b", "", 90, x=1)]
    figure = drawn(scatter([*close, *ends], x="x", y="y"))
    boxes = [one.get_window_extent() for one in figure.axes[0].texts]
    for at, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[at + 1 :])


def test_places_of_names_are_the_best_there_are() -> None:
    best = 0
    for seed in range(40):
        draws = np.random.default_rng(seed)
        alone, both = draws.random((4, 4)), draws.random((16, 16))
        pairs = (both + both.T).reshape(4, 4, 4, 4)
        costs = {
            at: sum(
                alone[i, at[i]] + sum(pairs[i, at[i], j, at[j]] for j in range(i)) for i in range(4)
            )
            for at in product(range(4), repeat=4)
        }
        chosen = tuple(placed(alone, both + both.T))
        best += costs[chosen] == min(costs.values())
    assert best >= 34  # from one start alone it is less than half of them


def test_series_lie_beside_each_other_in_the_order_of_the_legend() -> None:
    points = [point(name, series, 50) for name in "ab" for series in ("one", "two", "three")]
    (axes,) = drawn(marks.dots(points, title="top-1, %")).axes
    heights = {color: ys for color, marker, ys in dots_of(axes) if marker not in ("None", "", None)}
    first, second, third = (heights[color.lower()] for color in COLORS[:3])
    assert second == [0, 1]
    for middle, upper, lower in zip(second, first, third, strict=True):
        assert upper < middle < lower  # the axis runs downwards
        assert middle - upper == pytest.approx(lower - middle)


def dots_of(axes: Any) -> Iterator[tuple[str, Any, list[float]]]:
    for color, marker, places in of_lines(axes):
        yield color, marker, [y for _, y in places]


def test_a_ninth_series_looks_like_no_other() -> None:
    names = long_names(20)
    scene = Scene.of(
        marks.curves([point("", n, 5, x=x) for n in names for x in (0, 1)], x="", y="")
    )
    assert len({(one.color, one.marker) for one in map(scene.look, names)}) == 20


def test_files_hold_the_numbers_as_text_and_are_the_same_twice(tmp_path: Path) -> None:
    view = fake_view(Path("results/demo"))
    made = write_figures(Evidence(view, 0), tmp_path / "new" / "figures", "svg")
    assert len(made) == 8
    for path in made:
        tree = ElementTree.parse(path)
        shown = " ".join(text.strip() for text in tree.getroot().itertext() if text.strip())
        assert "%" in shown or "points" in shown
        assert tree.getroot().tag == f"{SVG}svg"
    first = next(charts(Evidence(view, 0)))
    assert rendered(first.figure.spec, "svg") == (made[0].read_bytes(), False)


def test_fonts_in_pdf_are_those_that_journals_take(every: dict[str, Chart]) -> None:
    data, missing = rendered(every["calibration-calibration-error"].figure.spec, "pdf")
    assert data.startswith(b"%PDF")
    assert not missing
    assert b"/Type3" not in data
    assert b"/CIDFontType2" in data
    assert b"CreationDate" not in data


def one_chart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spec: Spec, kind: str) -> list[Path]:
    """Write figures of a page that has one chart, of a plug-in."""
    evidence = Evidence(fake_view(Path("results/demo")), 0)
    first = next(charts(evidence))
    mine = replace(first, title="mine", figure=replace(first.figure, spec=spec))
    monkeypatch.setattr("roadworthy.plotting.paper.charts", lambda _: iter([mine, first]))
    return write_figures(evidence, tmp_path, kind)


def test_letters_without_a_font_are_told_where_they_show_as_boxes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = marks.dots([point("no font has \ue123", "", 50)], title="top-1, %")
    with pytest.warns(UserWarning, match="some letters show as boxes"):
        one_chart(tmp_path, monkeypatch, spec, "pdf")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = one_chart(tmp_path, monkeypatch, spec, "svg")
    assert "\ue123" in made[0].read_text(encoding="utf-8")


def test_what_cannot_be_drawn_is_left_out_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = {"mark": "geoshape", "data": {"values": [{"a": 1}]}}
    with pytest.warns(UserWarning, match=r"'overview-mine' is left out: its mark 'geoshape'"):
        made = one_chart(tmp_path, monkeypatch, spec, "svg")
    assert [path.name for path in made] == ["overview-top-1-under-every-stress.svg"]


def test_without_matplotlib_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    evidence = Evidence(fake_view(Path("results/demo")), 0)
    with pytest.raises(MissingPackageError, match=r"pip install 'roadworthy\[plot\]'"):
        write_figures(evidence, tmp_path / "figures", "pdf")
    assert not (tmp_path / "figures").exists()


def test_a_run_without_charts_and_a_folder_that_is_a_file(tmp_path: Path) -> None:
    with pytest.raises(RoadworthyError, match="no figure that could be written"):
        write_figures(Evidence(FakeView(Path(), {}), 0), tmp_path / "none", "svg")
    (tmp_path / "file").write_text("")
    with pytest.raises(RoadworthyError, match="is a file; give another place"):
        write_figures(Evidence(fake_view(Path("x")), 0), tmp_path / "file", "svg")


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("fog(severity=1..5)", "fog(severity=1..5)"),
        ("worst_case(pgd(eps=8/255), square(eps=8/255))", "worst_case(pgd(eps=8/255),\nsquare(eps=8/255))"),
        ("a" * 60, "\n".join(("a" * 26, "a" * 26, "a" * 8))),
        ("猫" * 20, "猫" * 13 + "\n" + "猫" * 7),
        ("", ""),
    ],
)  # fmt: skip
def test_names_are_broken_where_specs_have_commas(name: str, lines: str) -> None:
    assert wrapped([name]) == [lines]
    assert longest([lines]) == max(cell_len(line) for line in lines.split("\n")) <= 26
