"""`roadworthy report --format` and `run --format` on a real run of a small network."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

MODEL = "torch:nets.py:colours(size=16)"
DATA = "imagefolder:pictures"
Call = Callable[..., Any]
RUN = ("run", "-m", MODEL, "-d", DATA, "-s", "gaussian_noise(severity=[1, 5])", "-o", "out")


@pytest.fixture
def run(world: Path, call: Call) -> Path:
    assert call(*RUN, "--quiet").code == 0
    return world / "out"


def test_formats_are_printed_or_go_to_files_by_their_endings(run: Path, call: Call) -> None:
    rows = json.loads((run / "summary.json").read_text())["rows"]
    printed = call("report", "out", "--format", "csv")
    assert (printed.code, printed.err) == (0, "")
    assert len(list(csv.DictReader(printed.out.splitlines()))) == len(rows)
    for name in ("t.tex", "t.csv", "t.json", "t.parquet", "t.md"):
        outcome = call("report", "out", "-o", name)
        assert (outcome.code, outcome.out) == (0, f"{name}\n")
    assert Path("t.csv").read_text() == printed.out
    assert pl.read_parquet("t.parquet").height == len(json.loads(Path("t.json").read_text()))
    assert Path("t.tex").read_text().startswith("% \\usepackage{booktabs}")
    assert "| `gaussian_noise(severity=5)` " in Path("t.md").read_text()
    assert call("report", "out").out == f"{Path('out') / 'report.html'}\n"


def test_a_run_prints_what_is_asked_for_and_so_does_a_comparison(run: Path, call: Call) -> None:
    table = call("report", "out", "--format", "md").out
    again = call(*RUN, "--quiet", "--format", "md")
    assert again.out == table
    Path("job.yaml").write_text(
        f"models: {MODEL}\ndata: {DATA}\nout: out\nformat: json\nquiet: true\n"
    )
    assert json.loads(call("run", "-c", "job.yaml").out)[0]["model"] == MODEL
    found = call("compare", "out", "out", "--format", "csv").out
    assert {row["difference"] for row in csv.DictReader(found.splitlines())} <= {"0.0", ""}
    assert call("compare", "out", "out", "-o", "d.parquet").code == 0
    assert pl.read_parquet("d.parquet").height == len(found.splitlines()) - 1


WRONG = [
    (("report", "out", "--format", "latx"), 'Did you mean "latex"?'),
    (("report", "pictures", "--format", "md"), "is no roadworthy run"),
    (("report", "out", "nowhere", "--format", "md"), "is no roadworthy run"),
    (("report", "out", "--format", "parquet"), "name a file with -o"),
    (("report", "out", "-o", "figure.svg"), "--format svg -o FOLDER"),
    (("report", "out", "--format", "md", "--metric", "top2"), "did you mean 'top"),
    (("report", "out", "--format", "md", "--model", "colors"), "did you mean 'colours'"),
    (("report", "out", "--format", "md", "--section", "result"), "did you mean 'results'"),
    (("report", "out", "--format", "pdf", "--metric", "top1"), "leave it out"),
    (("report", "out", "--format", "md", "--intervals", "both"), "brackets"),
    ((*RUN, "--format", "json", "--json"), "leave one of them out"),
    (
        (*RUN, "-m", "torch:nets.py:colours(size=8)", "--format", "model-card"),
        "about one model",
    ),
    (("compare", "out", "out", "--format", "svg"), "Choose from"),
    (("compare", "out", "out", "--format", "html"), "name one with -o"),
    (("compare", "out", "out", "--format", "csv", "--json"), "leave one of them out"),
]


def test_what_makes_no_sense_is_a_usage_error(run: Path, call: Call) -> None:
    for wrong, said in WRONG:
        outcome = call(*wrong)
        assert outcome.code == 2, wrong
        assert said in " ".join(outcome.err.replace("│", " ").split()), wrong
        assert outcome.out == "", wrong


def test_outputs_that_exist_and_places_that_cannot_be(run: Path, call: Call) -> None:
    Path("README.md").write_text("# Mine\n")
    refused = call("report", "out", "--format", "model-card", "-o", "README.md")
    assert refused.code == 2
    assert "is not replaced" in refused.err
    assert Path("README.md").read_text() == "# Mine\n"
    for place in ("out", "README.md/rows.csv"):
        outcome = call("report", "out", "--format", "csv", "-o", place)
        assert outcome.code == 1
        assert "cannot write" in outcome.err
    assert (run / "summary.json").exists()


def test_figures_and_without_matplotlib_none(
    run: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = call("report", "out", "--format", "svg").out.splitlines()
    assert Path("out/figures/overview-top-1-under-every-stress.svg") in map(Path, made)
    assert all(Path(path).stat().st_size > 5000 for path in made)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    outcome = call("report", "out", "--format", "pdf", "-o", "new")
    assert outcome.code == 2
    assert "pip install 'roadworthy[plot]'" in outcome.err
    assert not Path("new").exists()


def test_damage_is_said_where_the_format_cannot(run: Path, call: Call) -> None:
    part = next((run / "records").rglob("*.parquet"))
    part.write_bytes(part.read_bytes()[:100])
    outcome = call("report", "out", "--format", "csv")
    assert outcome.code == 0
    assert part.name in outcome.err
    assert part.name not in outcome.out
    assert part.name in call("report", "out", "--format", "md").out
