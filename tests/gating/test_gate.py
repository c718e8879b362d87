"""A gate over runs on disk: which rows a requirement is about, and what never passes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from made_runs import made_run, suite_of

import roadworthy as rw
from roadworthy.errors import UsageError
from roadworthy.gating.result import Gate

EIGHTY = np.arange(400) % 5 > 0


def statuses(found: Gate) -> list[str]:
    return [check.status for check in found.checks]


def edited(folder: Path, metric: str, **changes: Any) -> None:
    """Change rows of the summary as a broken program might."""
    path = folder / "summary.json"
    summary = json.loads(path.read_text())
    for row in summary["rows"]:
        if row["metric"] == metric:
            row.update(changes)
    path.write_text(json.dumps(summary))


@pytest.fixture
def run(tmp_path: Path) -> rw.Run:
    severe = np.arange(400)[:, None] % 10 > np.arange(5) * 2
    return made_run(
        tmp_path / "run",
        {"clean": EIGHTY, "fog": severe, "snow(severity=2)": EIGHTY},
        suites=[suite_of("cifar_c", ["fog"])],
    )


def test_a_gate_passes_fails_and_stays_undecided(run: rw.Run) -> None:
    found = rw.gate(run, ["top1(clean)>=75", "top1(clean)>=90", "top1(clean)>=80"])
    assert statuses(found) == ["pass", "fail", "undecided"]
    assert (found.status, found.exit_code) == ("fail", 4)
    assert rw.gate(run, ["top1(clean)>=75", "top1(clean)>=80"]).exit_code == 5
    assert rw.gate(run, "top1(clean)>=75").exit_code == 0
    check = found.checks[2]
    assert (check.found.value, check.found.n, check.available) == (80, 400, 4000)


@pytest.mark.parametrize(
    ("text", "where", "value"),
    [
        ("top1(fog)>=1", ("fog", ""), 50),
        ("top1(fog(severity=1))>=1", ("fog", "severity=1"), 90),
        ("top1(fog, variant='severity=5')>=1", ("fog", "severity=5"), 10),
        ("top1(stress='fog', variant='4')>=1", ("fog", "severity=4"), 30),
        ("top1(snow(severity=2))>=1", ("snow(severity=2)", ""), 80),
        ("top1( snow( severity = 2 ) )>=1", ("snow(severity=2)", ""), 80),
        ("top1(snow(2))>=1", ("snow(severity=2)", ""), 80),
        ("top1(fog(severity=1..5))>=1", ("fog", ""), 50),
        ("mean_error(cifar_c)<=99", ("cifar_c", ""), 50),
        ("mean_error(fog)<=99", ("fog", ""), 50),
    ],
)
def test_a_stress_is_found_however_it_is_written(
    run: rw.Run, text: str, where: tuple[str, str], value: float
) -> None:
    (check,) = rw.gate(run, text).checks
    assert (check.stress, check.variant) == where
    assert check.found.value == pytest.approx(value)


def test_without_a_stress_every_row_must_meet_the_bound(run: rw.Run) -> None:
    found = rw.gate(run, "top1>=70")
    assert [(c.stress, c.variant, c.status) for c in found.checks] == [
        ("clean", "", "pass"),
        ("fog", "", "fail"),
        ("snow(severity=2)", "", "pass"),
    ]


def test_every_model_must_meet_the_bound_unless_one_is_named(tmp_path: Path) -> None:
    for name, right, sequence in (("demo/good", EIGHTY, 1), ("demo/bad", ~EIGHTY, 2)):
        run = made_run(tmp_path / "run", {"clean": right}, model=name, sequence=sequence)
    found = rw.gate(run, "top1(clean)>=70")
    assert {c.model: c.status for c in found.checks} == {"demo/good": "pass", "demo/bad": "fail"}
    assert rw.gate(run, "top1(clean, model=demo/good)>=70").exit_code == 0
    assert rw.gate(run, "top1(clean, model=bad)<=30").exit_code == 0
    with pytest.raises(UsageError, match=r"'demo/goo' .*|did you mean 'demo/good'"):
        rw.gate(run, "top1(clean, model='dmo/goodd')>=70")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("topp1(clean)>=1", "did you mean 'top1'"),
        ("top1(claen)>=1", "did you mean 'clean'"),
        ("top1(imagenet_cc)>=1", "did you mean 'imagenet_c'"),
        ("top1(fog(sevrity=3))>=1", "did you mean 'severity'"),
        ("top1(clean, model=demo/n)>=1", "did you mean 'demo/m'"),
        ("top1(clean, data=imagefoldr)>=1", "did you mean 'imagefolder"),
        ("top1(fog, variant='severity=9')>=1", "did you mean 'severity="),
        ("top1(clean)>=1 vs baseline", "needs a baseline"),
    ],
)
def test_misspelt_names_are_told_with_the_nearest(run: rw.Run, text: str, said: str) -> None:
    with pytest.raises(UsageError) as refused:
        rw.gate(run, text)
    assert said in str(refused.value)
    assert refused.value.exit_code == 2


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("top1(frost)>=0", "frost was not run"),
        ("top1(fog(severity=[2, 3]))>=0", "fog(severity=[2, 3]) was not run; fog was"),
        ("mce(imagenet_c)<=100", "imagenet_c was not run"),
        ("mce<=100", "the run has no mce"),
        ("robust_top1(clean)>=0", "the run has no robust_top1 of clean"),
        ("ce(fog)<=1e9", "made up"),
    ],
)
def test_what_is_missing_is_undecided_and_says_why(run: rw.Run, text: str, reason: str) -> None:
    found = rw.gate(run, text)
    assert found.exit_code == 5
    (check,) = found.checks
    assert check.decision.reason == reason


@pytest.mark.parametrize(
    "changes",
    [
        {"value": float("nan"), "low": float("nan"), "high": float("nan")},
        {"value": None, "low": None, "high": None},
        {"value": 99.0, "low": 98.0, "high": 100.0, "n": 0},
        {"value": 99.0, "low": None, "high": None},
        {"value": "99", "low": "98", "high": "100"},
        {"value": True, "low": True, "high": True},
    ],
)
@pytest.mark.parametrize("text", ["top1(clean)>=-1e9", "top1(clean)<=1e9"])
def test_a_broken_summary_never_passes(run: rw.Run, changes: dict[str, Any], text: str) -> None:
    edited(run.folder, "top1", **changes)
    assert rw.gate(run.folder, text).exit_code == 5


def test_a_current_summary_is_taken_and_a_stale_one_is_not(run: rw.Run) -> None:
    edited(run.folder, "top1", value=10.0, low=9.0, high=11.0)
    assert rw.gate(run.folder, "top1(clean)>=75").exit_code == 4
    edited(run.folder, "drop", version=99)
    found = rw.gate(run.folder, "top1(clean)>=75")
    assert found.exit_code == 0
    assert any("drop by definition version 99" in note for note in found.notes)


def test_what_was_made_on_another_model_counts_only_where_it_is_asked_for(run: rw.Run) -> None:
    path = run.folder / "summary.json"
    summary = json.loads(path.read_text())
    (clean,) = (r for r in summary["rows"] if (r["metric"], r["stress"]) == ("top1", "clean"))
    handed = {"value": 10.0, "low": 9.0, "high": 11.0, "source": "demo/other"}
    summary["rows"].append({**clean, **handed})
    path.write_text(json.dumps(summary))
    assert statuses(rw.gate(run.folder, "top1(clean)>=75")) == ["pass"]
    assert statuses(rw.gate(run.folder, "top1(clean, source=other)>=75")) == ["fail"]


def test_without_its_summary_a_run_is_computed(run: rw.Run) -> None:
    (run.folder / "summary.json").unlink()
    found = rw.gate(run.folder, "top1(clean)>=75")
    assert (found.exit_code, found.checks[0].found.value) == (0, 80)


def test_a_run_that_was_cut_short_says_so_and_is_computed_anew(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", {"clean": EIGHTY})
    edited(run.folder, "top1", value=10.0, low=9.0, high=11.0)
    made_run(
        tmp_path / "run", {"clean": EIGHTY}, sequence=2, finish=False, summarised=False
    )  # the same records, by an invocation that died
    found = rw.gate(tmp_path / "run", "top1(clean)>=75")
    assert found.exit_code == 0
    assert any("did not come to its end" in note for note in found.notes)


def test_damaged_parts_are_left_out_and_named(run: rw.Run) -> None:
    for part in run.folder.glob("records/*/*.parquet"):
        part.write_bytes(part.read_bytes()[:-9])
    found = rw.gate(run.folder, "top1(clean)>=75")
    assert found.exit_code == 5
    assert any("damaged, left out" in note and ".parquet" in note for note in found.notes)
    assert any("0 of 400 images judged under clean" in note for note in found.notes)


def test_a_model_that_could_not_run_is_undecided_whatever_others_did(tmp_path: Path) -> None:
    for name, sequence in (("demo/good", 1), ("demo/other", 2)):
        here = {"clean": EIGHTY, "fog(severity=2)": EIGHTY} if sequence == 1 else {"clean": EIGHTY}
        made_run(tmp_path / "run", here, model=name, sequence=sequence)
    path = tmp_path / "run" / "summary.json"
    summary = json.loads(path.read_text())
    pair = {"model": "demo/other", "data": "imagefolder:d", "stress": "fog(severity=2)"}
    summary["unavailable"] = [{**pair, "reason": "too small"}]
    path.write_text(json.dumps(summary))
    found = rw.gate(tmp_path / "run", "top1( fog(severity = 2) )>=75")
    assert [(check.model, check.status) for check in found.checks] == [
        ("demo/other", "undecided"),
        ("demo/good", "pass"),
    ]
    assert found.checks[0].decision.reason == "fog(severity=2) could not run: too small"
    assert "other: fog(severity=2) could not run: too small" in str(found)
    assert rw.gate(tmp_path / "run", "top1(fog(severity=2), model=good)>=75").exit_code == 0
    assert rw.gate(tmp_path / "run", "top1(fog(severity=2), model=other)>=75").exit_code == 5


def test_a_model_that_an_unfinished_run_has_not_come_to_is_undecided(tmp_path: Path) -> None:
    seen: set[Path] = set()
    for name, sequence in (("demo/good", 1), ("demo/other", 2)):
        seen = set(tmp_path.glob("run/records/*/*.parquet"))
        right = {"clean": EIGHTY, "fog(severity=2)": EIGHTY}
        done = sequence == 1
        made_run(
            tmp_path / "run", right, model=name, sequence=sequence, finish=done, summarised=done
        )
    for part in set(tmp_path.glob("run/records/*/*.parquet")) - seen:
        if pl.read_parquet(part)["stress"][0] != "clean":
            part.unlink()
    found = rw.gate(tmp_path / "run", "top1(fog(severity=2))>=75")
    assert [(check.model, check.status) for check in found.checks] == [
        ("demo/other", "undecided"),
        ("demo/good", "pass"),
    ]
    assert found.checks[0].decision.reason == (
        "the run is unfinished: 0 of 400 images judged under fog(severity=2)"
    )
    assert rw.gate(tmp_path / "run", "top1(clean)>=75").exit_code == 0
    assert rw.gate(tmp_path / "run", "top1(fog(severity=2), model=good)>=75").exit_code == 0
    missing = rw.gate(tmp_path / "run", "top1(snow)>=75")
    assert [check.decision.reason for check in missing.checks] == ["snow was not run"]


def test_a_gate_needs_requirements_and_a_run(run: rw.Run, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no requirement given"):
        rw.gate(run, [])
    with pytest.raises(UsageError, match="is no roadworthy run"):
        rw.gate(tmp_path, "top1>=3")


def test_a_stress_that_changes_no_pixel_has_the_results_of_its_twin(run: rw.Run) -> None:
    path = run.folder / "summary.json"
    summary = json.loads(path.read_text())
    twin = {"model": "demo/m", "data": "imagefolder:d", "stress": "decoder(decode=opencv)"}
    summary["same"] = [{**twin, "like": "clean"}]
    path.write_text(json.dumps(summary))
    found = rw.gate(run.folder, "top1(decoder(decode=opencv))>=75")
    assert (found.exit_code, found.checks[0].found.value) == (0, 80)
    assert any("changes no pixel against clean" in note for note in found.notes)
    assert len(rw.gate(run.folder, "top1>=0").checks) == 3


@pytest.fixture
def before(tmp_path: Path) -> rw.Run:
    """A baseline on the same images: 40 fewer of 400 right, all of them among those that are."""
    worse = EIGHTY & (np.arange(400) % 10 > 1)
    return made_run(tmp_path / "before", {"clean": worse}, model="demo/before")


def test_differences_to_a_baseline_are_paired(run: rw.Run, before: rw.Run) -> None:
    texts = [
        "top1(clean)>=5 vs baseline",
        "top1(clean)>=20 vs baseline",
        "top1(clean)<=15 vs baseline",
    ]
    found = rw.gate(run, texts, baseline=before)
    assert statuses(found) == ["pass", "fail", "pass"]
    check = found.checks[0]
    assert check.found.value == pytest.approx(10)
    assert (check.unit, check.found.n) == ("points", 400)
    expected = next(
        one.change
        for one in rw.compare(before, run).differences
        if (one.metric, one.place.stress) == ("top1", "clean")
    )
    assert (check.found.low, check.found.high) == (expected.low, expected.high)


def test_a_run_against_itself_loses_nothing(run: rw.Run) -> None:
    found = rw.gate(run, ["top1>=0 vs baseline", "ece<=0 vs baseline"], baseline=run.folder)
    assert set(statuses(found)) == {"pass"}


def test_a_baseline_may_be_a_summary_alone(run: rw.Run, before: rw.Run, tmp_path: Path) -> None:
    kept = tmp_path / "kept.json"
    shutil.copy(before.folder / "summary.json", kept)
    paired = rw.gate(run, "top1(clean)>=1 vs baseline", baseline=before).checks[0].found
    found = rw.gate(run, "top1(clean)>=1 vs baseline", baseline=kept)
    wider = found.checks[0].found
    assert wider.value == pytest.approx(paired.value)
    assert _width(wider) > 1.5 * _width(paired)
    assert any("independent runs" in note for note in found.notes)


def test_the_summary_of_the_same_results_differs_by_nothing(tmp_path: Path) -> None:
    sure = {"clean": {"loss": np.where(EIGHTY, 0.1, 2.0)}}
    run = made_run(tmp_path / "run", {"clean": EIGHTY}, columns=sure)
    kept = tmp_path / "kept.json"
    shutil.copy(run.folder / "summary.json", kept)
    texts = ["top1(clean)>=0 vs baseline", "top1(clean)>=-0.5 vs baseline"]
    found = rw.gate(run, texts, baseline=kept)
    assert statuses(found) == ["pass", "pass"]
    assert (found.checks[0].found.low, found.checks[0].found.high, found.notes) == (0, 0, [])
    # as many right, others: the same accuracy with other confidences is another result
    path = (
        made_run(tmp_path / "other", {"clean": EIGHTY}, columns=sure, model="demo/other").folder
        / "summary.json"
    )
    summary = json.loads(path.read_text())
    for row in summary["rows"]:
        row["value"] = row["value"] + 0.01 if row["metric"] == "nll" else row["value"]
    path.write_text(json.dumps(summary))
    found = rw.gate(run, texts, baseline=path)
    assert statuses(found) == ["undecided", "undecided"]
    assert found.checks[0].found.value == 0
    summary["rows"] = [row for row in summary["rows"] if row["metric"] != "nll"]
    path.write_text(json.dumps(summary))  # nothing that only one model says
    assert statuses(rw.gate(run, texts, baseline=path)) == ["undecided", "undecided"]


def test_a_model_that_the_baseline_lacks_is_undecided(tmp_path: Path) -> None:
    for name, sequence in (("demo/a", 1), ("demo/b", 2)):
        both = made_run(tmp_path / "both", {"clean": EIGHTY}, model=name, sequence=sequence)
    one = made_run(tmp_path / "one", {"clean": EIGHTY}, model="demo/a")
    for baseline in (one.folder, one.folder / "summary.json"):
        found = rw.gate(both, "top1(clean)>=-20 vs baseline", baseline=baseline)
        assert [(check.model, check.status) for check in found.checks] == [
            ("demo/a", "pass"),
            ("demo/b", "undecided"),
        ]
        assert "nothing of it to compare with" in found.checks[1].decision.reason
        alone = rw.gate(both, "top1(clean, model=a)>=-20 vs baseline", baseline=baseline)
        assert alone.exit_code == 0


def _width(estimate: Any) -> float:
    return float(estimate.high - estimate.low)


def test_a_baseline_on_other_data_is_refused(run: rw.Run, tmp_path: Path) -> None:
    other = made_run(tmp_path / "other", {"clean": EIGHTY}, contents="d")
    with pytest.raises(UsageError, match="not the same data"):
        rw.gate(run, "top1(clean)>=0 vs baseline", baseline=other)
    path = tmp_path / "other.json"
    shutil.copy(other.folder / "summary.json", path)
    summary = json.loads(path.read_text())
    summary["run"]["data"][0]["manifest"] = "other"
    path.write_text(json.dumps(summary))
    with pytest.raises(UsageError, match="is of other samples"):
        rw.gate(run, "top1(clean)>=0 vs baseline", baseline=path)
    for name, sequence in (("demo/a", 1), ("demo/b", 2)):
        two = made_run(tmp_path / "two", {"clean": EIGHTY}, model=name, sequence=sequence)
    with pytest.raises(UsageError, match=r"none of the models of the run.*'demo/a', 'demo/b'"):
        rw.gate(run, "top1(clean)>=0 vs baseline", baseline=two)
    with pytest.raises(UsageError, match=r"neither a run nor a summary\.json"):
        rw.gate(run, "top1(clean)>=0 vs baseline", baseline=tmp_path / "nothing")


def test_a_baseline_that_nothing_asks_for_is_mentioned(run: rw.Run, before: rw.Run) -> None:
    found = rw.gate(run, "top1(clean)>=75", baseline=before)
    assert found.exit_code == 0
    assert any("the baseline was not used" in note for note in found.notes)


def test_what_the_baseline_lacks_is_undecided(run: rw.Run, before: rw.Run) -> None:
    found = rw.gate(run, "top1(fog)>=-90 vs baseline", baseline=before)
    assert found.exit_code == 5
    assert "fog" in found.checks[0].decision.reason
    with pytest.raises(UsageError, match="did you mean"):
        rw.gate(run, "top1(fgo)>=-90 vs baseline", baseline=before)
