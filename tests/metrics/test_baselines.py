"""Baselines: published tables, runs, and what is said of those that do not fit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from suite_records import FILMS, PROTOCOL, specs

from roadworthy.baselines import baselines, load_baseline
from roadworthy.baselines.base import identity, severities_of
from roadworthy.errors import UsageError
from roadworthy.metrics.corruption_error import CORRUPTIONS
from roadworthy.metrics.flip_rate import PERTURBATIONS
from roadworthy.suites import suites

EXTRAS = ("speckle_noise", "gaussian_blur", "spatter", "saturate")
# mean errors over the severities, printed beside the errors themselves
MEANS = """.886428 .894468 .922640 .819880 .826268 .785948 .798360 .866816 .826572 .819324 .564592
.853204 .646056 .717840 .606500 .845388 .787108 .717512 .658248"""


def test_published_errors_have_their_published_means() -> None:
    found = load_baseline("alexnet-imagenet_c", specs((*CORRUPTIONS, *EXTRAS)))
    assert list(found.errors) == [*CORRUPTIONS, *EXTRAS]
    for name, mean in zip(found.errors, MEANS.split(), strict=True):
        assert sum(found.errors[name].values()) / 500 == pytest.approx(float(mean), abs=1e-6)
    assert found.clean_error == 43.48
    assert found.errors_of(specs(["snow"])[0])[1] == 88.392
    fifteen = [sum(found.errors[name].values()) / 5 for name in CORRUPTIONS]
    assert sum(fifteen) / 15 == pytest.approx(78.90, abs=0.005)


def test_published_flips_have_their_published_mean() -> None:
    found = load_baseline("alexnet-imagenet_p", specs(PERTURBATIONS, FILMS))
    assert set(found.flips) == set(PERTURBATIONS)
    assert sum(found.flips.values()) / 10 == pytest.approx(14.05, abs=0.005)
    assert found.flips_of(f"tilt({FILMS})") == 7.05
    assert not found.top5_distances


def test_suites_name_baselines_that_there_are() -> None:
    named = {suite.baseline for suite in suites().values()} - {None}
    assert named == set(baselines())


@pytest.mark.parametrize(
    ("stress", "text"),
    [
        ("fog(frame=imagenet)", "is of store=jpeg, but fog.* has store=none"),
        ("fog(store=jpeg(quality=85))", "is of frame=imagenet, but fog.* has frame=own"),
        ("fog(frame=imagenet, store=jpeg(quality=50))", "store=jpeg.quality=50."),
        ("fog(frame=imagenet, store=png)", "has store=png"),
        (f"fog(decay=3, {PROTOCOL})", "not the published one: it says decay"),
        (f"translate({PROTOCOL})", "alexnet-imagenet_c has no results of translate"),
    ],
)
def test_a_published_table_is_of_its_own_protocol_only(stress: str, text: str) -> None:
    with pytest.raises(UsageError, match=text):
        load_baseline("alexnet-imagenet_c", [stress])


def test_published_flips_are_of_difficulty_1_only() -> None:
    with pytest.raises(UsageError, match=r"difficulty=1, but tilt.* has difficulty=2"):
        load_baseline("alexnet-imagenet_p", [f"tilt(difficulty=2, {FILMS})"])
    load_baseline("alexnet-imagenet_p", [f"tilt(difficulty=1, {FILMS})"])


def test_the_same_store_in_other_words_is_the_same() -> None:
    load_baseline("alexnet-imagenet_c", ["fog(store=jpeg, frame=imagenet)"])


def test_severities_of_a_spec() -> None:
    assert severities_of("fog(frame=imagenet)") == (1, 2, 3, 4, 5)
    assert severities_of("fog(severity=2..4)") == (2, 3, 4)
    assert severities_of("fog(severity=[1, 5], frame=tiny)") == (1, 5)
    assert severities_of("fog(severity=3)") == (3,)
    assert severities_of("fog(amount=0.3, decay=2)") == ()
    assert identity("fog(severity=3, frame=tiny)") == "fog(frame=tiny)"


def row(stress: str, metric: str, value: float | None, variant: str = "", **who: str) -> Any:
    key = {"model": "m", "data": "d", "source": None, "stress": stress, "variant": variant}
    return {**key, "metric": metric, "unit": "percent", "value": value, **who}


ROWS = [
    row("clean(frame=imagenet)", "top1", 80.0),
    *(
        row(spec, "top1", 70.0 - 10 * s - i, f"severity={s}")
        for i, spec in enumerate(specs(["fog", "snow"]))
        for s in range(1, 6)
    ),
    *(row(spec, "top1", 1.0) for spec in specs(["fog", "snow"])),  # pooled: not an error
    row(f"tilt({FILMS})", "flip_probability", 12.5, "difficulty=1"),
    row(f"tilt({FILMS})", "t5d", 3.25, "difficulty=1"),
]


def folder(path: Path, rows: Any = ROWS) -> str:
    path.mkdir(exist_ok=True)
    (path / "summary.json").write_text(json.dumps({"schema": 1, "rows": rows}))
    return str(path)


def test_a_run_is_a_baseline(tmp_path: Path) -> None:
    wanted = [*specs(["fog", "snow"]), f"tilt({FILMS})"]
    found = load_baseline(folder(tmp_path / "run"), wanted)
    assert found.errors_of(wanted[0]) == (40, 50, 60, 70, 80)
    assert found.errors_of(wanted[1]) == (41, 51, 61, 71, 81)
    assert found.errors_of(f"snow(severity=[2, 5], {PROTOCOL})") == (51, 81)
    assert found.clean_error == 20.0
    assert found.flips_of(wanted[2]) == 12.5
    assert found.top5_distance_of(wanted[2]) == 3.25
    assert found.source == "m on d"
    assert load_baseline("run/summary.json", wanted, base=tmp_path).errors == found.errors
    assert load_baseline("run", wanted, base=tmp_path).errors == found.errors


@pytest.mark.parametrize(
    ("stress", "text"),
    [
        ("fog", f"no results of fog, only of fog.{PROTOCOL[:14]}.*1 of 1 missing"),
        (specs(["frost"])[0], "no results of frost"),
        ("fog(frame=imagenet, store=png)", "only of fog"),
    ],
)
def test_a_run_without_the_stress_says_what_it_has(tmp_path: Path, stress: str, text: str) -> None:
    with pytest.raises(UsageError, match=text):
        load_baseline(folder(tmp_path), [stress])


def test_a_severity_that_a_run_lacks_is_named(tmp_path: Path) -> None:
    rows = [r for r in ROWS if r["variant"] != "severity=4"]
    with pytest.raises(UsageError, match=r"has no error of fog.* at severity 4"):
        load_baseline(folder(tmp_path, rows), specs(["fog"]))
    load_baseline(folder(tmp_path, rows), [f"fog(severity=[1, 5], {PROTOCOL})"])


def test_a_baseline_is_one_model(tmp_path: Path) -> None:
    several = [*ROWS, *({**r, "model": "other"} for r in ROWS)]
    with pytest.raises(UsageError, match=r"2 of its models have these stresses \(m on d, other on"):
        load_baseline(folder(tmp_path, several), specs(["fog"]))
    fewer = [*ROWS, *({**r, "model": "other"} for r in ROWS if "fog" not in r["stress"])]
    assert load_baseline(folder(tmp_path, fewer), specs(["fog"])).source == "m on d"
    with pytest.raises(UsageError, match="has no results"):
        load_baseline(folder(tmp_path, []), specs(["fog"]))


@pytest.mark.parametrize("text", ["", "[" * 100_000, "{}", "[1]", '{"rows": 3}', "\xff\x00"])
def test_what_is_no_summary_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "summary.json"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(UsageError, match="is not the summary of a run"):
        load_baseline(str(tmp_path), specs(["fog"]))


def test_damaged_rows_are_left_out(tmp_path: Path) -> None:
    rows = [None, 3, {}, {"model": 3}, row("fog((", "top1", 3.0, "severity=1"), *ROWS]
    assert load_baseline(folder(tmp_path, rows), specs(["fog"])).clean_error == 20.0


def test_an_unknown_name_is_answered_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="did you mean 'alexnet-imagenet_c'") as caught:
        load_baseline("alexnet-imagenetc", base=tmp_path)
    assert "no folder of a run" in str(caught.value)
    with pytest.raises(UsageError, match="not the summary of a run"):
        load_baseline(".", base=tmp_path)
