"""The verbs as a user meets them: what they print, what they leave, and their exit codes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import roadworthy as rw

MODEL = "torch:nets.py:colours(size=16)"
DATA = "imagefolder:pictures"
Call = Callable[..., Any]


def _python(code: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **env},
    )


@pytest.mark.parametrize(
    "code",
    ["import roadworthy", "from roadworthy.cli import main\nmain(['--help'])"],
    ids=["import", "help"],
)
def test_starting_imports_none_of_the_heavy_libraries(code: str) -> None:
    heavy = ("torch", "timm", "polars", "altair", "cv2", "scipy")
    check = (
        f"import sys\ntry:\n    {code.replace(chr(10), chr(10) + '    ')}\nexcept SystemExit: pass\n"
        f"found = [m for m in {heavy} if m in sys.modules]\nassert not found, found"
    )
    done = _python(check)
    assert done.returncode == 0, done.stderr


def test_a_run_ends_with_the_table_and_leaves_its_files(world: Path, call: Call) -> None:
    outcome = call(
        "run", "-m", MODEL, "-d", DATA, "-s", "clean", "-s", "jpeg(quality=30)", "-o", "out"
    )
    assert outcome.code == 0
    assert "jpeg(quality=30)" in outcome.out
    assert "12/12" in outcome.err  # plain lines where there is no terminal
    names = {path.name for path in Path("out").iterdir()}
    assert {"runs", "records", "manifests", "summary.json", "failures.jsonl"} <= names
    summary = json.loads(Path("out/summary.json").read_text())
    assert summary["schema"] == 1
    assert set(summary["rows"][0]) == {
        "model", "data", "source", "stress", "variant", "metric",
        "unit", "value", "low", "high", "n", "failed", "version",
    }  # fmt: skip
    assert call("report", "out").out.strip() == "out/report.html"
    page = Path("out/report.html").read_text()
    assert "jpeg(quality=30)" in page


def test_json_prints_the_summary_alone(world: Path, call: Call) -> None:
    outcome = call("run", "-m", MODEL, "-d", DATA, "-s", "clean", "-o", "out", "--json")
    assert json.loads(outcome.out) == json.loads(Path("out/summary.json").read_text())


def test_the_quick_suite_runs_when_no_stress_is_named(world: Path, call: Call) -> None:
    assert call("run", "-m", MODEL, "-d", DATA, "-o", "out", "--limit", 3, "--quiet").code == 0
    stresses = {row["stress"].partition("(")[0] for row in rw.Run("out").summary["rows"]}
    assert stresses == {
        "clean", "gaussian_noise", "jpeg", "resizer", "translate", "pgd", "precision"
    }  # fmt: skip


def test_flags_win_over_variables_and_these_over_the_run_file(
    world: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("run.yaml").write_text(
        f'models: "{MODEL}"\ndata: ["{DATA}"]\nstresses: [clean]\nout: out\nlimit: 5\nseed: 7\n'
    )
    assert call("run", "-c", "run.yaml", "--quiet").code == 0
    assert rw.Run("out").runs[-1]["options"]["limit"] == 5
    monkeypatch.setenv("ROADWORTHY_LIMIT", "4")
    monkeypatch.setenv("ROADWORTHY_STRESSES", "clean; jpeg(quality=30)")
    assert call("run", "-c", "run.yaml", "--quiet").code == 0
    assert (
        rw.Run("out").runs[-1]["options"] | {"limit": 4, "seed": 7}
        == rw.Run("out").runs[-1]["options"]
    )
    assert rw.Run("out").runs[-1]["stresses"] == ["clean", "jpeg(quality=30)"]
    assert call("run", "-c", "run.yaml", "--quiet", "--limit", 3).code == 0
    assert rw.Run("out").runs[-1]["options"]["limit"] == 3


@pytest.mark.parametrize(
    ("text", "fragments"),
    [
        ("modles: [a]", ["run.yaml", "modles", "did you mean 'models'"]),
        ("limit: many", ["run.yaml", "limit"]),
        ("limit: [", ["run.yaml", "not valid YAML"]),
        ("- clean", ["run.yaml", "keys and values"]),
    ],
)
def test_a_wrong_run_file_is_named(
    world: Path, call: Call, text: str, fragments: list[str]
) -> None:
    Path("run.yaml").write_text(text)
    outcome = call("run", "-c", "run.yaml", "-o", "out")
    assert outcome.code == 2
    for fragment in fragments:
        assert fragment in outcome.err


def test_a_dry_run_says_what_is_left_and_writes_nothing(world: Path, call: Call) -> None:
    command = ["run", "-m", MODEL, "-d", DATA, "-s", "clean", "-s", "pgd(eps=4/255, steps=7)"]
    outcome = call(*command, "-o", "out", "--dry-run")
    assert outcome.code == 0
    assert "12 of 12 samples left, 10 forward + 7 backward each" in outcome.out
    assert not Path("out").exists()
    call(*command, "-o", "out", "--quiet", "--limit", 5)
    found = json.loads(call(*command, "-o", "out", "--dry-run", "--json").out)
    assert [cell["left"] for cell in found["cells"]] == [7, 7]


def test_a_dry_run_counts_failed_samples_again_when_they_are_retried(
    world: Path, call: Call
) -> None:
    (world / "pictures" / "0" / "0.png").write_bytes(b"no picture")
    command = ["run", "-m", MODEL, "-d", DATA, "-s", "clean", "-o", "out"]
    assert call(*command, "--quiet").code == 3
    for options, left in (((), 0), (("--retry-failed",), 1)):
        found = json.loads(call(*command, *options, "--dry-run", "--json").out)
        assert [cell["left"] for cell in found["cells"]] == [left]


def test_a_dry_run_counts_the_frames_of_a_sequence(world: Path, call: Call) -> None:
    command = ["run", "-m", MODEL, "-d", DATA, "-s", "translate", "-o", "out", "--dry-run"]
    found = json.loads(call(*command, "--json").out)
    # Pictures of 20 x 24 take the table of 32, which has 16 frames.
    assert [cell["forwards"] for cell in found["cells"]] == [1, 16]


def test_ls_and_show_know_every_item(call: Call) -> None:
    for kind in ("models", "data", "stresses", "suites", "metrics"):
        names = json.loads(call("ls", kind, "--json").out)
        assert names
        for name, summary in names.items():
            assert summary, f"{name} has no summary"
            assert name in call("show", name).out
    assert list(json.loads(call("ls", "stresses", "*ssian_noise", "--json").out)) == [
        "gaussian_noise"
    ]
    assert "severity 1 to 5 on frames of 224 pixels" in call("show", "gaussian_noise").out
    outcome = call("show", "gaussian_noize")
    assert outcome.code == 2
    assert "did you mean 'gaussian_noise'" in outcome.err


def test_ctrl_c_keeps_finished_parts_and_the_same_command_goes_on(world: Path) -> None:
    (world / "slow.py").write_text(
        (world / "nets.py").read_text()
        + "\n\nimport time\n\nclass Slow(Colours):\n    def forward(self, x):\n"
        "        time.sleep(0.15)\n        return super().forward(x)\n\n\ndef slow():\n    return Slow()\n"
    )
    command = [
        sys.executable, "-m", "roadworthy", "run", "-m", "torch:slow.py:slow(size=16)", "-d", DATA,
        "-s", "clean", "-s", "pgd(eps=4/255, steps=60)", "-o", "out",
    ]  # fmt: skip
    started = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not list(Path("out").glob("records/*/*.parquet")) and time.monotonic() < deadline:
        time.sleep(0.02)
    started.send_signal(signal.SIGINT)
    _, said = started.communicate(timeout=60)
    assert started.returncode == 130
    assert "Traceback" not in said
    assert "the same command goes on" in said
    kept = {path: path.read_bytes() for path in Path("out").glob("records/*/*.parquet")}
    assert len(kept) == 1
    assert {row["stress"] for row in json.loads(Path("out/summary.json").read_text())["rows"]} >= {
        "clean"
    }
    assert subprocess.run(command, check=False, capture_output=True).returncode == 0
    assert rw.Run("out").runs[-1]["parts_written"] == 1
    assert {path: path.read_bytes() for path in kept} == kept
