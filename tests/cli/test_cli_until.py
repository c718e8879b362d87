"""``--until`` and ``--batch-size`` as a user meets them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

MODEL = "torch:nets.py:colours(size=8)"
DATA = "imagefolder:pictures"
JOB = ("run", "-m", MODEL, "-d", DATA, "-s", "jpeg(quality=30)", "--quiet")
Call = Callable[..., Any]


@pytest.fixture
def many(world: Path) -> Path:
    """Fill the folder up to 180 pictures whose class is plain to see."""
    rng = np.random.default_rng(1)
    for label in range(3):
        for number in range(4, 60):
            pixels = rng.integers(60, 90, (8, 8, 3))
            pixels[..., label] += 100
            Image.fromarray(pixels.astype(np.uint8)).save(
                world / "pictures" / str(label) / f"{number}.png"
            )
    return world


def test_a_run_that_stops_early_says_what_it_saved(many: Path, call: Call) -> None:
    outcome = call(*JOB, "--until", "top1+-10", "-o", "out")
    assert outcome.code == 0
    line = next(line for line in outcome.out.splitlines() if line.startswith("jpeg(quality=30): "))
    assert line.startswith("jpeg(quality=30): stopped at 128 of 180 samples, ±")
    assert line.endswith("; 52 not needed")
    rows = json.loads(Path("out/summary.json").read_text())["rows"]
    assert {row["n"] for row in rows} == {128}


def test_the_run_file_and_the_processes_executor_stop_alike(many: Path, call: Call) -> None:
    assert call(*JOB, "--until", "top1±10", "-o", "serial").code == 0
    Path("run.yaml").write_text("until: top1±10\nexecutor: processes\n", encoding="utf-8")
    assert call(*JOB, "-c", "run.yaml", "-o", "processes").code == 0
    one, two = (Path(f"{name}/summary.json").read_bytes() for name in ("serial", "processes"))
    assert one == two


@pytest.mark.parametrize(
    ("until", "says"),
    [
        ("tpo1±1", "did you mean 'top1'"),
        ("top1", "such as 'top1±1.0'"),
        ("top1±x", "'x' is no number"),
        ("top1±-2", "must be larger than 0"),
        ("robust_top1±9", "no stress of this run has the metric 'robust_top1'"),
    ],
)
def test_a_bad_request_is_a_usage_error(many: Path, call: Call, until: str, says: str) -> None:
    outcome = call(*JOB, "--until", until, "-o", "out")
    assert outcome.code == 2
    assert says in outcome.err
