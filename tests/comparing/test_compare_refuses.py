"""What cannot be compared is refused, and the refusal says why and what to do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_runs import made_run, suite_of

import roadworthy as rw
from roadworthy.errors import RoadworthyError, UsageError

RIGHT = np.arange(12) % 3 > 0


def changed_summary(folder: Path, **changes: Any) -> None:
    path = folder / "summary.json"
    summary = json.loads(path.read_text())
    for row in summary["rows"]:
        if row["metric"] == "top1":
            row.update(changes)
    path.write_text(json.dumps(summary))


def test_other_bytes_under_one_name_are_other_data(tmp_path: Path) -> None:
    a = made_run(tmp_path / "a", {"clean": RIGHT})
    b = made_run(tmp_path / "b", {"clean": RIGHT}, contents="d")
    with pytest.raises(UsageError, match=r"not the same data: 12 of 12 images.*'s0000'"):
        rw.compare(a, b)


def test_other_images_are_other_data(tmp_path: Path) -> None:
    a = made_run(tmp_path / "a", {"clean": RIGHT})
    b = made_run(tmp_path / "b", {"clean": RIGHT}, data="imagefolder:e", first=100)
    with pytest.raises(UsageError, match=r"'imagefolder:d'.*'imagefolder:e'.*no image in common"):
        rw.compare(a, b)


def test_the_same_images_under_another_path_are_the_same_data(tmp_path: Path) -> None:
    a = made_run(tmp_path / "a", {"clean": RIGHT})
    b = made_run(tmp_path / "b", {"clean": RIGHT}, data="imagefolder:/elsewhere/d")
    found = rw.compare(a, b)
    assert found.tests[0].place.data == ("imagefolder:d", "imagefolder:/elsewhere/d")


def test_another_definition_of_a_stress_is_another_stress(tmp_path: Path) -> None:
    a = made_run(tmp_path / "a", {"clean": RIGHT, "fog": RIGHT})
    b = made_run(tmp_path / "b", {"clean": RIGHT, "fog": RIGHT}, versions={"fog": 2})
    with pytest.raises(
        UsageError, match=r"fog is of definition version 1 .* and 2 .*the first run"
    ):
        rw.compare(a, b)
    with pytest.raises(UsageError, match=r"and 1 in the second.*command of the second run"):
        rw.compare(b, a)


def test_another_definition_of_a_metric_is_another_metric(tmp_path: Path) -> None:
    a, b = (made_run(tmp_path / name, {"clean": RIGHT}) for name in "ab")
    changed_summary(tmp_path / "b", version=2)
    with pytest.raises(
        UsageError, match=rf"top1 is of definition version 1.* 2 .*'{a.folder}' again"
    ):
        rw.compare(a, b)


def test_another_version_of_a_suite_has_other_stresses(tmp_path: Path) -> None:
    a, b = (
        made_run(tmp_path / name, {"fog": RIGHT}, suites=[suite_of("cifar_c", ["fog"], version=v)])
        for name, v in (("a", 1), ("b", 2))
    )
    with pytest.raises(UsageError, match="cifar_c is of version 1 in the first run and 2"):
        rw.compare(a, b)


def test_ratios_to_different_baselines_are_left_out(tmp_path: Path) -> None:
    for name, top1 in (("base1", 50), ("base2", 25)):
        made_run(tmp_path / name, {"fog": np.arange(100)[:, None] % np.full(5, 100) < top1})
    for name, base in (("a", "base1"), ("b", "base2")):
        suite = suite_of("cifar_c", ["fog"], baseline=str(tmp_path / base))
        made_run(tmp_path / name, {"fog": np.tile(RIGHT[:, None], 5)}, suites=[suite])
    found = rw.compare(tmp_path / "a", tmp_path / "b")
    assert "ce" not in {one.metric for one in found.differences}
    assert any("different baselines" in note for note in found.notes)
    again = rw.compare(tmp_path / "a", tmp_path / "a")
    assert "ce" in {one.metric for one in again.differences}


def test_runs_without_a_common_stress_or_model_are_refused(tmp_path: Path) -> None:
    a = made_run(tmp_path / "a", {"clean": RIGHT})
    b = made_run(tmp_path / "b", {"fog": RIGHT})
    with pytest.raises(UsageError, match=r"no stress was run in both.*'clean'.*'fog'"):
        rw.compare(a, b)
    for name, sequence in (("demo/x", 1), ("demo/y", 2)):
        c = made_run(tmp_path / "c", {"clean": RIGHT}, model=name, sequence=sequence)
    with pytest.raises(
        UsageError, match=r"no model in common.*'demo/m'.*'demo/x', 'demo/y'.*--model-a"
    ):
        rw.compare(a, c)


def test_a_model_of_several_is_named_by_enough_of_its_name(tmp_path: Path) -> None:
    a = made_run(tmp_path / "a", {"clean": RIGHT})
    for name, sequence in (("demo/net20", 1), ("demo/net32", 2)):
        c = made_run(tmp_path / "c", {"clean": RIGHT}, model=name, sequence=sequence)
    found = rw.compare(a, c, model_b="32")
    assert found.tests[0].place.models == ("demo/m", "demo/net32")
    assert any("models demo/net20" in note for note in found.notes)
    between = rw.compare(c, c, model_a="net20", model_b="demo/net32")
    assert between.tests[0].place.models == ("demo/net20", "demo/net32")
    with pytest.raises(UsageError, match=r"'net' may be any.*net20.*net32"):
        rw.compare(a, c, model_b="net")
    with pytest.raises(UsageError, match=r"no model of .* 'net23'; did you mean '.*net[23]"):
        rw.compare(a, c, model_b="net23")


def test_models_of_one_name_are_compared_with_each_other(tmp_path: Path) -> None:
    for folder in "ab":
        for name, sequence in (("demo/net20", 1), ("demo/net32", 2)):
            made_run(tmp_path / folder, {"clean": RIGHT}, model=name, sequence=sequence)
    found = rw.compare(tmp_path / "a", tmp_path / "b")
    assert [t.place.models for t in found.tests] == [(n, n) for n in ("demo/net20", "demo/net32")]


def test_stresses_of_one_run_alone_are_named(tmp_path: Path) -> None:
    a = made_run(tmp_path / "a", {"clean": RIGHT, "fog": RIGHT})
    b = made_run(tmp_path / "b", {"clean": RIGHT, "snow": RIGHT})
    found = rw.compare(a, b)
    assert "only in A, not compared: fog" in found.notes
    assert "only in B, not compared: snow" in found.notes


def test_unfinished_and_damaged_runs_say_so_and_compare_what_is_there(tmp_path: Path) -> None:
    a = made_run(tmp_path / "a", {"clean": RIGHT, "fog": RIGHT}, finish=False)
    b = made_run(tmp_path / "b", {"clean": RIGHT, "fog": RIGHT})
    part = next(
        path for path in (tmp_path / "a").glob("records/*/*.parquet") if _stress(path) == "fog"
    )
    part.write_bytes(part.read_bytes()[:-20] + b"x" * 20)
    found = rw.compare(a.folder, b)
    assert {test.place.stress for test in found.tests} == {"clean"}
    assert any(f"damaged, left out: {part}" in note for note in found.notes)
    assert any("unfinished: 0 of 12 images judged under fog" in note for note in found.notes)


def _stress(path: Path) -> str:
    import polars as pl

    return str(pl.read_parquet(path)["stress"][0])


def test_where_every_record_is_damaged_there_is_nothing_to_compare(tmp_path: Path) -> None:
    a, b = (made_run(tmp_path / name, {"clean": RIGHT}) for name in "ab")
    for part in (tmp_path / "a").glob("records/*/*.parquet"):
        part.write_bytes(b"nothing")
    with pytest.raises(RoadworthyError, match=r"nothing to compare: A: damaged"):
        rw.compare(a.folder, b)
    for manifest in (tmp_path / "b").glob("manifests/*.parquet"):
        manifest.write_bytes(b"nothing")
    with pytest.raises(RoadworthyError, match=r"list of samples of 'imagefolder:d'.*damaged"):
        rw.compare(b.folder, b.folder)


def test_what_is_no_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no roadworthy run"):
        rw.compare(tmp_path, tmp_path)
    (tmp_path / "runs").mkdir()
    with pytest.raises(UsageError, match="nothing was judged in"):
        rw.compare(tmp_path, tmp_path)
