"""Two runs side by side: values, tests, flips, and what must hold whatever the verdicts are."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_runs import made_run, suite_of
from scipy import stats

import roadworthy as rw
from roadworthy.comparing.result import Comparison, Difference
from roadworthy.metrics.mcnemar import holm

FOG = "fog"
JPEG = "jpeg(quality=30)"


def only(found: Comparison, metric: str, stress: str = "clean", variant: str = "") -> Difference:
    (one,) = [
        row
        for row in found.differences
        if (row.metric, row.place.stress, row.place.variant) == (metric, stress, variant)
    ]
    return one


def ends(one: Difference) -> tuple[float, float, float]:
    change = one.change
    assert change.value is not None
    assert change.low is not None
    assert change.high is not None
    return change.value, change.low, change.high


@pytest.fixture
def pair(tmp_path: Path) -> tuple[rw.Run, rw.Run]:
    """Two models on 60 images; under fog the second loses nine and gains two."""
    base = np.arange(60) % 5 > 0
    other = base.copy()
    other[[1, 2, 3, 4, 6, 7, 8, 9, 11]] = False
    other[[0, 5]] = True
    a = made_run(tmp_path / "a", {"clean": base, JPEG: base}, model="demo/a")
    b = made_run(tmp_path / "b", {"clean": base, JPEG: other}, model="demo/b")
    return a, b


def test_a_comparison_counts_tests_and_names_what_flipped(pair: tuple[rw.Run, rw.Run]) -> None:
    found = rw.compare(*pair)
    top1 = only(found, "top1", JPEG)
    assert top1.a.value == 80
    assert top1.change.value == pytest.approx(-100 * 7 / 60)
    assert top1.better == "a"
    clean, jpeg = found.tests
    assert (clean.lost, clean.gained, clean.p) == (0, 0, 1.0)
    p = stats.binomtest(2, 11, 0.5).pvalue
    assert (jpeg.n, jpeg.lost, jpeg.gained) == (60, 9, 2)
    assert jpeg.p == pytest.approx(p)
    assert [t.p_holm for t in found.tests] == pytest.approx(holm([1.0, p]))
    assert found.flips["sample"].to_list() == [
        f"s{i:04}" for i in (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11)
    ]
    first = found.flips.row(0, named=True)
    assert (first["flip"], first["label"]) == ("gained", "cat")
    assert (first["prediction_a"], first["prediction_b"]) == ("dog", "cat")
    assert (first["model_a"], first["model_b"]) == ("demo/a", "demo/b")
    assert set(found.flips["stress"]) == {JPEG}


def test_the_drop_is_paired_with_the_clean_images_of_each_run(pair: tuple[rw.Run, rw.Run]) -> None:
    drop = only(rw.compare(*pair), "drop", JPEG)
    assert drop.a.value == 0
    assert drop.b.value == pytest.approx(100 * 7 / 60)
    assert drop.better == "a"


def test_a_run_compared_with_itself_has_p_1_no_flips_and_nothing_between(tmp_path: Path) -> None:
    draws = np.random.default_rng(0)
    right = {"clean": draws.random(30) < 0.8, FOG: draws.random((30, 5)) < 0.5}
    suites = [suite_of("cifar_c", [FOG])]
    a = made_run(tmp_path / "a", right, suites=suites)
    found = rw.compare(a, tmp_path / "a")
    assert found.flips.is_empty()
    assert {(test.p, test.p_holm) for test in found.tests} == {(1.0, 1.0), (1.0, None)}
    assert {ends(one) for one in found.differences} == {(0.0, 0.0, 0.0)}
    assert {"top1", "drop", "ece", "curve_area"} <= {one.metric for one in found.differences}
    assert only(found, "mean_error", "cifar_c").change.n == 30


@pytest.mark.parametrize("swapped", [False, True])
def test_other_confidences_make_another_model_even_if_all_verdicts_agree(
    tmp_path: Path, swapped: bool
) -> None:
    right = {"clean": np.arange(40) % 4 > 0}
    a = made_run(tmp_path / "a", right)
    sure = {"clean": {"conf": np.linspace(0.5, 0.9, 40)}}
    b = made_run(tmp_path / "b", right, columns=sure)
    found = rw.compare(b, a) if swapped else rw.compare(a, b)
    value, low, high = ends(only(found, "top1"))
    assert (value, found.tests[0].p) == (0.0, 1.0)
    assert low == pytest.approx(-high)
    assert high > 1


def test_floats_that_another_batch_size_moves_are_the_same(tmp_path: Path) -> None:
    right = {"clean": np.arange(40) % 4 > 0}
    a = made_run(tmp_path / "a", right)
    near = {"clean": {"conf": np.full(40, 0.75) + 2e-5}}
    b = made_run(tmp_path / "b", right, columns=near)
    assert ends(only(rw.compare(a, b), "top1")) == (0.0, 0.0, 0.0)


def mirrored(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row of a comparison as it must be with the runs swapped."""
    swap = {"a": "b", "b": "a", "lost": "gained", "gained": "lost"}
    swap |= {
        f"{name}_{x}": f"{name}_{y}"
        for name in ("model", "data", "prediction", "confidence", "right")
        for x, y in ("ab", "ba")
    }
    turned = {key: row[swap.get(key, key)] for key in row}
    for key in ("better", "flip"):
        if key in row:
            turned[key] = swap.get(row[key], row[key])
    if "difference" in row:
        turned["difference"] = [None if v is None else -v for v in row["difference"]]
        turned["difference"][1:] = turned["difference"][:0:-1]
    return turned


@settings(max_examples=8, deadline=None)
@given(st.data())
def test_swapped_runs_are_the_mirror_image(data: st.DataObject) -> None:
    count = data.draw(st.integers(2, 12))
    folder = Path(tempfile.mkdtemp(prefix="roadworthy-test-"))
    try:
        for name in "ab":
            seed = data.draw(st.integers(0, 2**16))
            draws = np.random.default_rng(seed)
            right = {"clean": draws.random(count) < 0.7, FOG: draws.random((count, 5)) < 0.5}
            loss = {"clean": {"loss": draws.exponential(1.0, count)}}
            made_run(
                folder / name, right, model=f"demo/{name}", columns=loss,
                suites=[suite_of("cifar_c", [FOG])],
            )  # fmt: skip
        there = rw.compare(folder / "a", folder / "b").as_dict()
        back = rw.compare(folder / "b", folder / "a").as_dict()
    finally:
        shutil.rmtree(folder)
    for key in ("rows", "tests", "flips"):
        assert len(there[key]) == len(back[key])
        for one, other in zip(there[key], back[key], strict=True):
            turned = mirrored(other)
            assert {k: v for k, v in turned.items() if k != "difference"} == {
                k: v for k, v in one.items() if k != "difference"
            }
            if "difference" in one:
                assert turned["difference"] == pytest.approx(one["difference"], abs=1e-6)


def test_of_several_severities_an_image_counts_once(tmp_path: Path) -> None:
    """Two severities up and one down is one image gained; one up and one down is none."""
    a = np.array([[0, 0, 1], [1, 0, 1], [1, 1, 1]], bool)
    b = np.array([[1, 1, 0], [0, 1, 1], [0, 1, 1]], bool)
    runs = [
        made_run(tmp_path / name, {"fog(severity=1..3)": verdicts}, model=f"demo/{name}")
        for name, verdicts in (("a", a), ("b", b))
    ]
    whole, *single = rw.compare(*runs).tests
    assert (whole.place.variant, whole.n, whole.lost, whole.gained) == ("", 3, 1, 1)
    assert [(t.lost, t.gained) for t in single] == [(2, 1), (0, 2), (1, 0)]
    assert whole.p_holm is not None
    assert all(test.p_holm is None for test in single)


def test_what_the_summary_says_is_what_the_records_say(tmp_path: Path) -> None:
    """Values come from current summaries; without them they are computed, and are the same."""
    draws = np.random.default_rng(2)
    for name in "ab":
        right = {"clean": draws.random(50) < 0.8, FOG: draws.random((50, 5)) < 0.5}
        made_run(tmp_path / name, right, model=f"demo/{name}")
    quick = rw.compare(tmp_path / "a", tmp_path / "b").as_dict()
    for name in "ab":
        (tmp_path / name / "summary.json").unlink()
    slow = rw.compare(tmp_path / "a", tmp_path / "b").as_dict()
    assert len(quick["rows"]) == 49
    for one, other in zip(quick["rows"], slow["rows"], strict=True):
        numbers = [[*row["a"], *row["b"], *row["difference"]] for row in (one, other)]
        assert numbers[0] == pytest.approx(numbers[1], rel=1e-7, abs=1e-7)
        assert {k: v for k, v in one.items() if not isinstance(v, list)} == {
            k: v for k, v in other.items() if not isinstance(v, list)
        }


def test_a_summary_that_is_older_than_its_run_is_not_taken(tmp_path: Path) -> None:
    right = np.arange(40) % 4 > 0
    run, other = (made_run(tmp_path / name, {"clean": right}) for name in "ab")
    path = run.folder / "summary.json"
    summary = json.loads(path.read_text())
    for row in summary["rows"]:
        row["value"] = 10.0
    path.write_text(json.dumps(summary))

    def top1() -> float | None:
        found = rw.compare(run.folder, other)
        return next(one.a.value for one in found.differences if one.metric == "top1")

    assert top1() == 10  # nothing says that it is not of these records
    os.utime(path, (0, 0))
    assert top1() == 75


def test_only_images_of_both_runs_count(tmp_path: Path) -> None:
    right = np.arange(40) % 3 > 0
    a = made_run(tmp_path / "a", {"clean": right}, model="demo/a")
    b = made_run(tmp_path / "b", {"clean": right[10:30]}, model="demo/b", first=10)
    found = rw.compare(a, b)
    top1 = only(found, "top1")
    assert top1.change.n == found.tests[0].n == 20
    assert top1.a.value == top1.b.value == pytest.approx(100 * right[10:30].mean())
    assert top1.a.n == 20  # and not the 40 of the summary


def test_an_image_that_failed_in_one_run_is_left_out(tmp_path: Path) -> None:
    right = np.arange(12) % 3 > 0
    a = made_run(tmp_path / "a", {"clean": right}, model="demo/a")
    failed = {"clean": {"status": ["failed", *["ok"] * 11], "correct": [None, *right[1:]]}}
    b = made_run(tmp_path / "b", {"clean": right}, model="demo/b", columns=failed)
    assert rw.compare(a, b).tests[0].n == 11


def test_metrics_of_suites_are_compared_over_what_all_members_share(tmp_path: Path) -> None:
    draws = np.random.default_rng(1)
    stresses = ["fog", "snow"]
    worse = {"fog": 0.5, "snow": 0.4}
    suites = [suite_of("cifar_c", stresses)]
    for name, bonus in (("a", 0.2), ("b", 0.0)):
        right = {s: draws.random((200, 5)) < worse[s] + bonus for s in stresses}
        made_run(tmp_path / name, right, model=f"demo/{name}", suites=suites)
    found = rw.compare(tmp_path / "a", tmp_path / "b")
    error = only(found, "mean_error", "cifar_c")
    parts = [only(found, "mean_error", stress).change.value for stress in stresses]
    assert error.change.value == pytest.approx(np.mean([float(part or 0) for part in parts]))
    value, low, high = ends(error)
    assert 12 < low < value < high < 28
    assert error.better == "a"


def test_everything_is_in_the_json_and_can_be_read_back(pair: tuple[rw.Run, rw.Run]) -> None:
    found = json.loads(json.dumps(rw.compare(*pair).as_dict()))
    assert found["flipped"] == len(found["flips"]) == 11
    row = next(r for r in found["rows"] if (r["metric"], r["stress"]) == ("top1", JPEG))
    assert row["difference"][0] == pytest.approx(row["b"][0] - row["a"][0])
    assert (row["n"], row["version"], row["better"]) == (60, 1, "a")


def test_flips_of_big_runs_are_all_there(tmp_path: Path) -> None:
    for name, every in (("a", 2), ("b", 3)):
        made_run(tmp_path / name, {"clean": np.arange(3000) % every > 0}, model=f"demo/{name}")
    found = rw.compare(tmp_path / "a", tmp_path / "b")
    flipped = [i for i in range(3000) if (i % 2 > 0) != (i % 3 > 0)]
    assert found.flips["sample"].to_list() == [f"s{i:04}" for i in flipped]
    assert len(found.as_dict()["flips"]) == 1000 < found.as_dict()["flipped"]


def test_interval_and_test_agree_about_what_is_chance(tmp_path: Path) -> None:
    """For many discordant pairs the interval leaves out 0 just where the exact p is below 5 %."""
    decided = 0
    for number, (lost, gained) in enumerate(itertools.product(range(0, 50, 7), range(0, 50, 9))):
        if lost + gained < 12:
            continue
        before, after = np.ones(200, bool), np.ones(200, bool)
        after[:lost] = False
        before[lost : lost + gained] = False
        runs = [
            made_run(tmp_path / f"{name}{number}", {"clean": v}, model=name, summarised=False)
            for name, v in (("demo/a", before), ("demo/b", after))
        ]
        found = rw.compare(*runs, only=_top1())
        test, top1 = found.tests[0], only(found, "top1")
        if not 0.03 < test.p < 0.08:
            assert (test.p < 0.05) == bool(top1.better)
            decided += bool(top1.better)
    assert decided > 10


def _top1() -> Any:
    from roadworthy.comparing.api import Only

    return Only(metrics={"top1"})


def test_leaving_out_leaves_out(pair: tuple[rw.Run, rw.Run]) -> None:
    from roadworthy.comparing.api import Only

    found = rw.compare(*pair, only=Only(metrics={"drop"}, flips=False))
    assert {one.metric for one in found.differences} == {"drop"}
    assert not found.tests
    assert found.flips.is_empty()
    assert isinstance(found.flips, pl.DataFrame)
