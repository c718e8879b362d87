"""`roadworthy compare` on real runs of a small network: table, JSON, page, lists of flips."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

MODEL = "torch:nets.py:colours(size=16)"
OTHER = "torch:nets.py:colours(size=8)"
DATA = "imagefolder:pictures"
Call = Callable[..., Any]


@pytest.fixture
def runs(world: Path, call: Call) -> Path:
    for model, out in ((MODEL, "a"), (OTHER, "b")):
        stresses = ("-s", "gaussian_noise(severity=[1, 5])", "-s", "pgd(eps=4/255, steps=3)")
        assert call("run", "-m", model, "-d", DATA, *stresses, "-o", out, "--quiet").code == 0
    return world


def test_a_comparison_prints_a_table_and_writes_page_and_flips(runs: Path, call: Call) -> None:
    outcome = call("compare", "a", "b", "-o", "page.html", "--flips", "flips.csv")
    assert outcome.code == 0
    assert "| gaussian_noise(severity=5)" in outcome.out
    assert "B - A" in outcome.out
    found = json.loads(call("compare", "a", "b", "--json", "--flips", "flips.json").out)
    assert {t["stress"] for t in found["tests"]} >= {"clean", "pgd(eps=4/255, steps=3)"}
    rows = list(csv.DictReader(Path("flips.csv").read_text().splitlines()))
    listed = json.loads(Path("flips.json").read_text())
    assert len(rows) == len(listed) == found["flipped"]
    assert found["flipped"] == sum(
        t["lost"] + t["gained"] for t in found["tests"] if t["variant"] or t["p_holm"] is not None
        if not (t["stress"].startswith("gaussian_noise") and t["variant"] == "")
    )  # fmt: skip
    page = Path("page.html").read_text()
    assert '<section id="comparison">' in page
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")


def test_a_run_against_itself_and_against_nothing(runs: Path, call: Call) -> None:
    outcome = call("compare", "a", "a")
    assert "0.0 [0.0, 0.0]" in outcome.out
    assert "0 verdicts are lost and 0 gained" in outcome.out
    for wrong, said in (
        (("a", "pictures"), "is no roadworthy run"),
        (("a", "b", "--model-b", "colors"), "did you mean 'colours'"),
        (("a", "b", "--flips", "flips.txt"), ".csv or .json"),
    ):
        outcome = call("compare", *wrong)
        assert outcome.code == 2
        assert said in outcome.err
    assert call("compare", "a", "b", "-o", "nowhere/page.html").code == 1
