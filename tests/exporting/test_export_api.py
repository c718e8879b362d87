from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import latex_tokens
import numpy as np
import polars as pl
import pytest
from made_runs import made_run

import roadworthy as rw
from roadworthy.exporting.rows import SCHEMA

MODELS = ("demo/a", "torch:nets.py:b(checkpoint=/home/me/b_5%.pt)")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    draws = np.random.default_rng(0)
    made = []
    for model, share in zip(MODELS, (0.9, 0.6), strict=True):
        names = ("gaussian_noise(severity=1..5)", "fog(severity=1..5)")
        right = {name: draws.random((40, 5)) < share for name in names}
        right["clean"] = draws.random(40) < share
        folder = tmp_path_factory.mktemp("runs") / "run"
        made_run(folder, right, model=model)
        made.append(folder)
    return made[0], made[1]


def listed(folder: Path) -> list[dict[str, Any]]:
    rows = json.loads((folder / "summary.json").read_text())["rows"]
    return [{name: one.get(name) for name in SCHEMA} for one in rows]


def test_rows_on_disk_are_those_of_the_summary(folders: tuple[Path, Path], tmp_path: Path) -> None:
    run, expected = folders[0], listed(folders[0])
    assert len(expected) > 40
    assert json.loads(rw.export(run, "json")) == expected
    read = pl.read_csv(io.StringIO(rw.export(str(run), "csv")), schema=SCHEMA)
    assert read.to_dicts() == expected
    (path,) = rw.export(rw.Run(run), "parquet", tmp_path / "new" / "rows.parquet")
    assert pl.read_parquet(path).to_dicts() == expected


def test_several_runs_are_one(folders: tuple[Path, Path]) -> None:
    both = json.loads(rw.export([*folders, folders[0]], "json"))
    assert both == [*listed(folders[0]), *listed(folders[1])]
    text = rw.export(folders, "md", metrics="top1")
    assert "| *demo/a* " in text
    assert "| *b (b\\_5%)* " in text
    (table,) = latex_tokens.read(rw.export(folders, "latex", metrics=["top1"])).tables
    assert [line[0] for line in table].count("clean") == 2


def test_a_section_of_the_page_is_exported_without_what_holds_there_alone(
    folders: tuple[Path, Path],
) -> None:
    found = latex_tokens.read(rw.export(folders, "latex", section="corruptions"))
    heads, *lines = found.tables[0]
    assert heads == ["corruption", *(f"severity {level}" for level in range(1, 6))]
    known = {(r["stress"], r["variant"]): r for r in listed(folders[0]) if r["metric"] == "top1"}
    expected = []
    for family, name in (("Noise", "gaussian_noise"), ("Weather", "fog")):
        levels = [known[f"{name}(severity=1..5)", f"severity={s}"]["value"] for s in range(1, 6)]
        expected += [[family] * 6, [name, *(f"{value:.1f}" for value in levels)]]
    assert lines == expected
    assert "pointed at" not in found.captions[0]
    assert found.labels == ["tab:corruptions-1", "tab:corruptions-2"]
    assert "**Corruption by severity" in rw.export(folders, "md", section="corruptions")


def test_the_page_and_its_file_are_the_same_thing(
    folders: tuple[Path, Path], tmp_path: Path
) -> None:
    (path,) = rw.export(folders[0], "html", tmp_path / "page.html")
    assert path.read_text() == rw.export(folders[0], "html")


def test_what_was_there_is_replaced_whole(folders: tuple[Path, Path], tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("x" * 10**6)
    rw.export(folders[0], "csv", path)
    rw.export(folders[0], "csv", path)
    assert path.read_text() == rw.export(folders[0], "csv")
    assert [one.name for one in tmp_path.iterdir()] == ["rows.csv"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda runs: rw.export(runs, "latx"), "did you mean 'latex'"),  # type: ignore[call-overload]
        (lambda runs: rw.export([], "md"), "nothing to export"),
        (lambda runs: rw.export(runs[0].parent, "md"), "is no roadworthy run"),
        (lambda runs: rw.export(runs, "svg"), "name the folder to write"),
        (lambda runs: rw.export(runs, "parquet"), "name the file to write"),
        (lambda runs: rw.export(runs, "csv", section="corruptions"), "leave it out"),
        (lambda runs: rw.export(runs, "html", model="a"), "leave it out"),
        (lambda runs: rw.export(runs, "json", intervals="none"), "leave it out"),
        (lambda runs: rw.export(runs, "md", section="corruption"), "did you mean 'corruptions'"),
        (lambda runs: rw.export(runs, "md", section="transfer"), "has no table for this run"),
        (lambda runs: rw.export(runs, "md", section="results", model="a"), "leave it out"),
        (lambda runs: rw.export(runs, "md", intervals="plus"), "plus-minus, none, not 'plus'"),  # type: ignore[call-overload]
        (lambda runs: rw.export(runs, "md", model="zz"), "no model is called 'zz'"),
        (lambda runs: rw.export(runs, "model-card"), "a model card is about one model"),
    ],
)
def test_what_makes_no_sense_is_refused(
    wrong: Callable[[Any], object], said: str, folders: tuple[Path, Path]
) -> None:
    with pytest.raises(rw.UsageError, match=said):
        wrong(folders)


def test_a_model_is_chosen_by_the_name_that_tables_show(folders: tuple[Path, Path]) -> None:
    rows = json.loads(rw.export(folders, "json", model="b (b_5%)", metrics=["top1", "drop"]))
    assert rows == [
        one for one in listed(folders[1]) if one["metric"] in ("top1", "drop")
    ]  # fmt: skip


@pytest.mark.parametrize("place", ["", "file/rows.csv", "file/deep/rows.csv"])
def test_places_that_cannot_be_written_are_named(
    folders: tuple[Path, Path], tmp_path: Path, place: str
) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(rw.RoadworthyError, match=r"cannot write .* (is a folder|is a file)"):
        rw.export(folders[0], "csv", tmp_path / place)
    assert (tmp_path / "file").read_text() == "mine"


def test_an_unfinished_run_says_so(tmp_path: Path) -> None:
    right = {"clean": np.arange(30) < 20}
    made_run(tmp_path / "run", right, finish=False)
    for form in ("md", "latex", "model-card"):
        assert "are not judged yet" in rw.export(tmp_path / "run", form)


@pytest.fixture(scope="module")
def comparison(folders: tuple[Path, Path]) -> Any:
    return rw.compare(folders[0], folders[1], model_a="a", model_b="b")


def test_differences_of_a_comparison_are_rows(comparison: Any, tmp_path: Path) -> None:
    expected = []
    for one in comparison.as_dict()["rows"]:
        flat = dict(one)
        for name in ("a", "b", "difference"):
            flat[name], flat[f"{name}_low"], flat[f"{name}_high"] = one[name]
        expected.append(flat)
    assert len(expected) > 10
    assert json.loads(rw.export(comparison, "json")) == expected
    (path,) = rw.export(comparison, "parquet", tmp_path / "rows.parquet")
    frame = pl.read_parquet(path)
    assert frame.to_dicts() == expected
    read = pl.read_csv(io.StringIO(rw.export(comparison, "csv")), schema=frame.schema)
    assert read.to_dicts() == expected


def test_a_comparison_as_tables(comparison: Any) -> None:
    found = latex_tokens.read(rw.export(comparison, "latex"))
    assert found.labels[0] == "tab:comparison-1"
    assert "B minus A" in found.captions[0]
    assert "/home/me" not in rw.export(comparison, "latex")
    assert rw.export(comparison, "md") == str(comparison)
    assert re.fullmatch(
        r"Comparison\('.*', '.*'\): \d+ differences, 13 tests, \d+ flips", repr(comparison)
    )
    assert '<section id="comparison">' in rw.export(comparison, "html")
    for wrong, said in (
        (lambda: rw.export(comparison, "model-card"), "a comparison has no model-card"),
        (lambda: rw.export(comparison, "svg", "out"), "a comparison has no svg"),
        (lambda: rw.export(comparison, "parquet"), "name the file"),
        (lambda: rw.export(comparison, "md", model="a"), "exported whole"),
    ):
        with pytest.raises(rw.UsageError, match=said):
            wrong()
