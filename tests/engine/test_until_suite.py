"""A whole suite stops together when its metric is precise enough."""

from __future__ import annotations

from pathlib import Path

import pytest
from engine_world import colour_net, write_pictures

import roadworthy as rw
from roadworthy import suites as package
from roadworthy.metrics import corruption_error
from roadworthy.suites import Suite

MEMBERS = ("gaussian_noise", "contrast")


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a suite ``small`` of two corruptions, which are all that mCE is over."""
    monkeypatch.setattr(corruption_error, "CORRUPTIONS", MEMBERS)
    known = dict(package.suites())
    known["small"] = Suite(
        name="small",
        summary="two corruptions",
        version=1,
        stresses=MEMBERS,
        kind="corruptions",
        frame="untouched",
        headline="mce",
    )
    monkeypatch.setattr(package, "suites", lambda: known)


@pytest.mark.usefixtures("small")
def test_a_suite_stops_when_its_mce_is_precise_and_not_before(tmp_path: Path) -> None:
    data = f"imagefolder:{write_pictures(tmp_path / 'pictures', each=64)}"
    net = colour_net()
    first = rw.evaluate(net, data, "small", out=tmp_path / "base")
    suite = f"small(baseline={tmp_path / 'base'})"
    whole = rw.evaluate(net, data, suite, out=tmp_path / "whole")
    row = next(r for r in whole.summary["rows"] if r["metric"] == "mce")
    # A run that is its own baseline: the errors are those that they are divided by.
    assert row["stress"].startswith("small(baseline=")
    assert row["value"] == pytest.approx(100)
    assert row["n"] == 192
    half = (row["high"] - row["low"]) / 2
    early = rw.evaluate(net, data, suite, out=tmp_path / "early", until=f"mce±{2.5 * half}")
    until = early.runs[-1]["until"]
    members = [c for c in until["cells"] if not c["stress"].startswith("clean")]
    used = {c["samples"] for c in members}
    assert len(members) == 2
    assert len(used) == 1
    assert used.pop() < 192
    assert all(c["precise"] for c in members)
    late = rw.evaluate(net, data, suite, out=tmp_path / "late", until=f"mce±{half / 2}")
    assert {c["samples"] for c in late.runs[-1]["until"]["cells"]} == {192}
    assert not any(c["precise"] for c in late.runs[-1]["until"]["cells"])
    assert first.runs[-1]["suites"][0]["baseline"] is None


@pytest.mark.usefixtures("small")
def test_a_suite_metric_without_a_suite_is_refused(tmp_path: Path) -> None:
    data = f"imagefolder:{write_pictures(tmp_path / 'pictures', each=3)}"
    with pytest.raises(rw.UsageError, match="mce"):
        rw.evaluate(colour_net(), data, "contrast", out=tmp_path / "out", until="mce±1")


def test_samples_that_failed_are_tried_again_where_a_run_stopped(tmp_path: Path) -> None:
    folder = write_pictures(tmp_path / "pictures", each=64)
    broken = folder / "red" / "0.png"
    whole = broken.read_bytes()
    broken.write_bytes(whole[:40])
    run = rw.evaluate(
        colour_net(), f"imagefolder:{folder}", "contrast", out=tmp_path / "o", until="top1±50"
    )
    used = {c["stress"]: c["samples"] for c in run.runs[-1]["until"]["cells"]}
    again = rw.evaluate(
        colour_net(),
        f"imagefolder:{folder}",
        "contrast",
        out=tmp_path / "o",
        until="top1±50",
        retry_failed=True,
    )
    assert {c["stress"]: c["samples"] for c in again.runs[-1]["until"]["cells"]} == used
    failed = run.rows().filter(status="failed")["sample"].unique().to_list()
    # Only what had failed is judged again: a part for each cell, or none if it was never reached.
    assert again.runs[-1]["parts_written"] == 2 * len(failed)
    assert again.rows().equals(run.rows()) or failed
