"""What a run gives in Python: `table`, `metric`, `plot`, and what a notebook shows of it."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from made_runs import made_run

import roadworthy as rw
from roadworthy.plotting.notebook import altair_chart
from roadworthy.report.figure import Figure


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> rw.Run:
    draws = np.random.default_rng(1)
    folder = tmp_path_factory.mktemp("runs") / "run"
    for sequence, (model, share) in enumerate((("demo/<b>a", 0.9), ("demo/other", 0.6)), 1):
        right = {
            "clean": draws.random(40) < share,
            "fog(severity=[1, 2, 3])": draws.random((40, 3)) < share,
        }
        made_run(folder, right, model=model, sequence=sequence)
    return rw.Run(folder)


def rows(run: rw.Run) -> dict[tuple[str, ...], dict[str, Any]]:
    listed = json.loads((run.folder / "summary.json").read_text())["rows"]
    names = ("model", "stress", "variant", "metric")
    return {tuple(one[name] for name in names): one for one in listed}


def test_a_table_has_a_row_a_cell_and_three_columns_a_metric(run: rw.Run) -> None:
    table, known = run.table("top1", "drop"), rows(run)
    keys = ["model", "data", "source", "stress", "variant"]
    ends = ["top1", "top1_low", "top1_high", "drop", "drop_low", "drop_high"]
    assert table.columns == [*keys, *ends, "n", "failed"]
    assert table.height == 2 * (1 + 4)
    assert table["source"].null_count() == table.height  # judged their own images
    for line in table.iter_rows(named=True):
        for metric in ("top1", "drop"):
            one = known.get((line["model"], line["stress"], line["variant"], metric), {})
            found = [line[metric], line[f"{metric}_low"], line[f"{metric}_high"]]
            assert found == [one.get("value"), one.get("low"), one.get("high")]
        assert line["n"] == 40
    assert table.filter(stress="clean")["drop"].to_list() == [None, None]


def test_without_names_the_columns_are_those_of_the_terminal(run: rw.Run) -> None:
    values = [name for name in run.table().columns if f"{name}_low" in run.table().columns]
    assert values == ["top1", "drop", "disagreement", "ece"]
    assert run.table().schema["top1_low"] == pl.Float64


def test_a_metric_is_one_estimate(run: rw.Run) -> None:
    one = rows(run)["demo/other", "fog(severity=[1, 2, 3])", "severity=2", "top1"]
    for stress in ("fog(severity=2)", "fog( severity = 2 )"):
        found = run.metric("top1", stress=stress, model="other")
        assert (found.value, found.low, found.high, found.n) == (
            one["value"], one["low"], one["high"], 40,
        )  # fmt: skip
    variant = run.metric("top1", stress="fog(severity=[1, 2, 3])", model="other", variant="y=2")
    assert variant == found
    clean = run.metric("top1", model="<b>a")
    assert clean.value == rows(run)["demo/<b>a", "clean", "", "top1"]["value"]
    drop = run.metric("drop", model="<b>a")  # only one stress has it
    assert drop.value == rows(run)["demo/<b>a", "fog(severity=[1, 2, 3])", "", "drop"]["value"]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"name": "top1"}, "one of clean · demo/<b>a; clean · demo/other; say which with model="),
        ({"name": "topp1"}, "did you mean 'top1'"),
        ({"name": "top1", "model": "othr"}, "did you mean 'other'"),
        ({"name": "top1", "stress": "fgo", "model": "other"}, "did you mean 'fog'"),
        ({"name": "top1", "stress": "snow"}, "snow was not run; there are the stresses clean, fog"),
        ({"name": "mce", "model": "other"}, "the run has no mce"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_named(run: rw.Run, asked: dict[str, str], said: str) -> None:
    with pytest.raises(rw.UsageError, match=re.escape(said)):
        run.metric(**asked)
    with pytest.raises(rw.UsageError, match="did you mean 'top1'"):
        run.table("topp1")


def test_a_plot_is_the_chart_of_the_page(run: rw.Run) -> None:
    drawn = run.plot("curve").to_dict()
    assert drawn["title"]["text"] == "Accuracy over severity"
    assert drawn["width"] == 480
    assert "usermeta" not in drawn
    assert drawn["background"] == "white"
    assert "currentColor" not in json.dumps(drawn)
    points = {(p["series"], p["x"]): p["value"] for p in drawn["datasets"]["points"]}
    known = rows(run)
    for level in (1, 2, 3):
        one = known["demo/other", "fog(severity=[1, 2, 3])", f"severity={level}", "top1"]
        assert points["demo/other · fog", level] == one["value"]
    named = run.plot("corruptions-accuracy-over-severity").to_dict()
    assert named["datasets"] == drawn["datasets"]


def test_every_plot_has_a_name_and_is_valid(run: rw.Run) -> None:
    known = run.plots()
    assert "overview-top-1-under-every-stress" in known
    assert all(caption for caption in known.values())
    for name in known:
        assert "vega-lite" in run.plot(name).to_dict()["$schema"]
    with pytest.raises(rw.UsageError, match=r"no chart 'curv'; did you mean 'curve'\?"):
        run.plot("curv")


def test_a_chart_of_a_plug_in_with_one_mark_is_shown() -> None:
    encoding = {"x": {"field": "a", "type": "nominal"}}
    spec = {"mark": "bar", "encoding": encoding, "data": {"values": [{"a": 1}]}}
    drawn = altair_chart(Figure("one", "", spec)).to_dict()
    assert drawn["layer"][0]["mark"] == "bar"


def test_a_notebook_shows_the_table_with_names_as_text(run: rw.Run) -> None:
    shown = run._repr_html_()
    assert "<b>a" not in shown.replace("<b>/", "")
    assert "demo/&lt;b&gt;a" in shown
    cells = {unescape(text).strip() for text in re.findall(r">([^<>]+)<", shown)}
    top1 = run.metric("top1", model="other")
    assert f"{top1.value:.1f}" in cells
    assert f"[{top1.low:.1f}, {top1.high:.1f}]" in cells
    assert run.plot("curve")._repr_mimebundle_()


def test_an_empty_folder_is_said_to_be_empty(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", {"clean": np.ones(3)}, summarised=False)
    for part in (run.folder / "records").rglob("*.parquet"):
        part.unlink()
    empty = rw.Run(run.folder)
    assert empty.table().is_empty()
    with pytest.raises(rw.UsageError, match="the run has no charts yet"):
        empty.plot("curve")
    assert "nothing was judged yet" in empty._repr_html_()
