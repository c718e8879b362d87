"""An operating profile from the command line: run, gate, compare and page."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

MODEL = "torch:nets.py:colours(size=16)"
DATA = "imagefolder:pictures"
PROFILE = """
name: street
conditions:
  day: clean, 70 %
  night: gaussian_noise 5 + motion blur 1, 20 %
  haze: fog 3, 10 %
costs:
  pairs: {"0": {"1": 7}}
"""
Call = Callable[..., Any]


@pytest.fixture
def run(world: Path, call: Call) -> Path:
    (world / "profile.yaml").write_text(PROFILE)
    outcome = call("run", "-m", MODEL, "-d", DATA, "-p", "profile.yaml", "-o", "out", "--quiet")
    assert outcome.code == 0
    assert "street: expected error " in outcome.out
    assert "under the worst plausible mixture" in outcome.out
    assert "| profile:profile.yaml" in outcome.out
    return world / "out"


def rows(folder: Path) -> dict[tuple[str, str], dict[str, Any]]:
    summary = json.loads((folder / "summary.json").read_text())
    return {(row["metric"], row["stress"]): row for row in summary["rows"]}


def test_the_expected_error_is_the_weighted_mean_of_the_conditions(run: Path) -> None:
    found = rows(run)
    night = "compose(gaussian_noise(severity=5), motion_blur(severity=1))"
    shares = {"clean": 0.7, night: 0.2, "fog(severity=3)": 0.1}
    errors = {stress: 100 - found["top1", stress]["value"] for stress in shares}
    expected = sum(shares[stress] * errors[stress] for stress in shares)
    row = found["expected_error", "profile:profile.yaml"]
    assert row["value"] == pytest.approx(expected)
    assert row["n"] == 12
    assert found["worst_mixture_error", "profile:profile.yaml"]["value"] == pytest.approx(
        expected + 0.1 * (max(errors.values()) - min(errors.values()))
    )
    assert not any(stress == "translate" for _, stress in found)  # and not the suite quick as well


def test_a_gate_and_a_page_know_the_profile(run: Path, call: Call) -> None:
    value = rows(run)["expected_error", "profile:profile.yaml"]["high"]
    assert call("gate", "out", "-r", f"expected_error(profile)<={value}").code == 0
    assert call("gate", "out", "-r", "expected_error(profile)<=-1").code == 4
    assert call("gate", "out", "-r", "worst_mixture_cost(profile:profile.yaml)>=0").code == 0
    assert call("report", "out").code == 0
    page = (run / "report.html").read_text()
    assert "Operating profile" in page
    assert "haze" in page


def test_another_profile_under_the_same_name_is_not_compared(run: Path, call: Call) -> None:
    Path("profile.yaml").write_text(PROFILE.replace("70 %", "60 %").replace("10 %", "20 %"))
    assert (
        call("run", "-m", MODEL, "-d", DATA, "-p", "profile.yaml", "-o", "b", "--quiet").code == 0
    )
    found = json.loads(call("compare", "out", "b", "--json").out)
    assert not any(row["metric"] == "expected_error" for row in found["rows"])
    assert any("the profile says something else" in note for note in found["notes"])
    again = json.loads(call("compare", "out", "out", "--json").out)
    row = next(row for row in again["rows"] if row["metric"] == "worst_mixture_error")
    assert row["difference"] == [0, 0, 0]


def test_wrong_profiles_end_before_any_work(world: Path, call: Call) -> None:
    command = ("run", "-m", MODEL, "-d", DATA, "-p", "profile.yaml", "-o", "out")
    for text, said in (
        (PROFILE.replace("70 %", "60 %"), "sum to 0.9 (90 %)"),
        (PROFILE.replace('"1": 7', "owl: 7"), "no class 'owl'"),
        (PROFILE.replace("fog 3", "fgo 3"), "did you mean 'fog'"),
    ):
        Path("profile.yaml").write_text(text)
        outcome = call(*command)
        assert outcome.code == 2
        assert said in outcome.err
        assert not list(Path().glob("out/records/*/*.parquet"))


def test_a_profile_may_stand_in_the_run_file_and_beside_other_stresses(
    world: Path, call: Call
) -> None:
    Path("profile.yaml").write_text(PROFILE)
    Path("run.yaml").write_text(
        f'models: "{MODEL}"\ndata: "{DATA}"\nprofile: profile.yaml\nstresses: jpeg(quality=30)\n'
    )
    assert call("run", "-c", "run.yaml", "-o", "out", "--quiet").code == 0
    assert {"jpeg(quality=30)", "fog(severity=3)"} <= {stress for _, stress in rows(world / "out")}


def test_a_run_stops_when_the_expected_error_is_known(world: Path, call: Call) -> None:
    Path("profile.yaml").write_text(PROFILE)
    outcome = call(
        "run", "-m", MODEL, "-d", DATA, "-s", "profile:profile.yaml", "-o", "out", "--quiet",
        "--until", "expected_error±0.5",
    )  # fmt: skip
    assert outcome.code == 0
    assert "after all 12 samples, not ±0.5" in outcome.out
