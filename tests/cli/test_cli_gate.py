"""`roadworthy gate` on a real run of a small network: exit codes and files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import fromstring

import pytest

MODEL = "torch:nets.py:colours(size=16)"
DATA = "imagefolder:pictures"
Call = Callable[..., Any]


@pytest.fixture
def run(world: Path, call: Call) -> Path:
    stresses = ("-s", "gaussian_noise(severity=[1, 5])", "-s", "jpeg(quality=30)")
    assert call("run", "-m", MODEL, "-d", DATA, *stresses, "-o", "out", "--quiet").code == 0
    return world / "out"


@pytest.mark.parametrize(
    ("texts", "code"),
    [
        (["top1(clean)>=60"], 0),
        (["top1(clean)<=30"], 4),
        (["top1(clean)>=90"], 5),
        (["top1(clean)>=60", "top1(clean)>=90"], 5),
        (["top1(clean)>=90", "top1(clean)<=30", "top1(clean)>=60"], 4),
        (["top1(frost)>=0"], 5),
        (["topp1>=0"], 2),
        ([], 2),
    ],
)
def test_exit_codes(run: Path, call: Call, texts: list[str], code: int) -> None:
    flags = [flag for text in texts for flag in ("--require", text)]
    assert call("gate", "out", *flags).code == code


def test_files_and_json_say_the_same(run: Path, call: Call) -> None:
    flags = ("--require", "top1(clean)>=60", "--require", "drop(jpeg(quality=30))<=-50")
    outcome = call("gate", "out", *flags, "--junit", "junit.xml", "--markdown", "gate.md", "--json")
    assert outcome.code == 4
    found = json.loads(outcome.out)
    assert [check["status"] for check in found["checks"]] == ["pass", "fail"]
    assert Path("gate.md").read_text() == call("gate", "out", *flags).out
    suite = fromstring(Path("junit.xml").read_text()).find("testsuite")
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    assert call("gate", "out", *flags, "--junit", "nowhere/junit.xml").code == 2


def test_a_run_is_its_own_baseline_and_requirements_come_from_a_variable(
    run: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROADWORTHY_REQUIRE", "top1(clean)>=60; drop>=0 vs baseline")
    outcome = call("gate", "out", "--baseline", "out")
    assert outcome.code == 0
    assert outcome.out.count("| passed") == 3
    assert call("gate", "out").code == 2
