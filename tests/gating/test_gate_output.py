"""A gate as Markdown and as JUnit XML."""

from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import fromstring

import numpy as np
import pytest
from made_runs import made_run

import roadworthy as rw
from roadworthy.gating.junit import junit
from roadworthy.gating.result import Gate
from roadworthy.gating.text import markdown

EVIL = "demo/<b>|`x`</b>\x07"


@pytest.fixture
def found(tmp_path: Path) -> Gate:
    right = np.arange(400) % 5 > 0
    for name, sequence in (("demo/m", 1), (EVIL, 2)):
        run = made_run(tmp_path / "run", {"clean": right}, model=name, sequence=sequence)
    texts = [f"top1(clean, model='demo/m'){bound}" for bound in (">=75", ">=90", ">=80")]
    return rw.gate(run, [*texts, "top1(clean, model='<b>')<=85", "mce<=80"])


def test_markdown_has_a_row_a_check_and_says_what_would_decide(found: Gate) -> None:
    lines = markdown(found).splitlines()
    assert lines[0].startswith("**Gate failed: 1 failed, 2 undecided, 2 passed (")
    rows = [line for line in lines if line.startswith("| ")]
    assert len(rows) == 2 + 5
    assert len({row.replace("\\|", "").count("|") for row in rows}) == 1
    assert "80.0 [75.8, 83.6] | 400 |" in rows[2]
    (undecided,) = [line for line in lines if line.startswith("- `top1") and ">=80" in line]
    assert "no number of images decides" in undecided
    assert any("mce<=80" in line and "the run has no mce" in line for line in lines)
    assert "<b>" not in "\n".join(lines).replace("`demo/<b>", "").replace("model='<b>'", "")


def test_junit_is_xml_in_which_undecided_is_an_error(found: Gate) -> None:
    suite = fromstring(junit(found)).find("testsuite")
    assert suite is not None
    counts = {key: suite.get(key) for key in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": "5", "failures": "1", "errors": "2", "skipped": "0"}
    cases = suite.findall("testcase")
    outcomes = [
        "fail" if case.find("failure") is not None
        else "undecided" if case.find("error") is not None
        else "pass"
        for case in cases
    ]  # fmt: skip
    assert outcomes == [check.status for check in found.checks]
    failure = cases[1].find("failure")
    assert failure is not None
    assert "80.0 [75.8, 83.6], n = 400" in str(failure.get("message"))
    assert [one.text for one in suite.iter("failure")] == [failure.get("message")]
    assert all(one.text == one.get("message") for one in suite.iter("error"))
    assert cases[3].get("classname") == "demo/<b>|`x`</b>\N{REPLACEMENT CHARACTER} on imagefolder:d"


def test_values_are_said_to_the_last_digit_in_json(found: Gate) -> None:
    checks = found.as_dict()["checks"]
    assert [check["status"] for check in checks] == [
        "pass",
        "fail",
        "undecided",
        "pass",
        "undecided",
    ]
    assert (checks[0]["value"], checks[0]["bound"], checks[0]["n"]) == (80.0, 75.0, 400)
    assert checks[0]["low"] == pytest.approx(75.81, abs=0.01)
