"""Stages that follow from results: planned, run and resumed like any other, also by processes."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from engine_world import COLOURS
from PIL import Image

import roadworthy as rw
from roadworthy.config import RunFile
from roadworthy.engine.execute import Engine
from roadworthy.engine.plan import Plan
from roadworthy.jobs import dry_run

SUITE = "sysnoise(pipelines=published)"
NETS = """
import sys
sys.path.insert(0, {tests!r})
from engine_world import ColourNet

def colours():
    return ColourNet()
"""
MODEL = "torch:nets.py:colours(size=16)"
OTHER = "torch:nets.py:colours(size=24)"
DATA = "imagefolder:pictures"


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder with JPEGs that decoders and resizers read differently, and a network."""
    rng = np.random.default_rng(4)
    for index, colour in enumerate(COLOURS):
        (tmp_path / "pictures" / colour).mkdir(parents=True)
        for number in range(8):
            pixels = rng.integers(60, 160, (50, 44, 3))
            pixels[..., index] += number
            buffer = io.BytesIO()
            Image.fromarray(pixels.astype(np.uint8)).save(buffer, "JPEG", subsampling=2)
            (tmp_path / "pictures" / colour / f"{number}.jpg").write_bytes(buffer.getvalue())
    code = NETS.format(tests=str(Path(__file__).parent))
    (tmp_path / "nets.py").write_text(code, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def stacks(run: rw.Run, model: str = MODEL) -> list[str]:
    rows = run.rows().filter(pl.col("model") == model, pl.col("stress").str.starts_with("stack"))
    return rows["stress"].unique(maintain_order=True).to_list()


def drops(run: rw.Run, model: str = MODEL) -> dict[str, float]:
    return {
        row["stress"]: row["value"]
        for row in run.summary["rows"]
        if row["metric"] == "drop" and row["model"] == model and row["variant"]
    }


def test_the_worst_of_each_kind_are_stacked_once_they_are_known(world: Path) -> None:
    run = rw.evaluate(MODEL, DATA, SUITE, out="r")
    found = drops(run)
    worst = max((s for s in found if s.startswith("resizer")), key=lambda s: found[s])
    first = stacks(run)[0]
    assert first.startswith("stack(decoder(decode=pyav-bicubic), resizer(resize=")
    assert found[worst] == found[first.removeprefix("stack(decoder(decode=pyav-bicubic), ")[:-1]]
    about = run.runs[-1]
    (suite,) = about["suites"]
    (later,) = suite["later"]
    assert (later["model"], later["data"], later["precision"]) == (MODEL, DATA, "fp32")
    assert later["stresses"] == stacks(run)
    assert set(stacks(run)) < set(about["stresses"])
    assert set(stacks(run)) < {cell["stress"] for cell in about["cells"]}
    # the stack is judged on frames that both changes made
    rows = run.rows().filter(pl.col("stress") == first)
    assert rows["pipeline"].str.contains("decoder=pyav-bicubic").all()
    assert rows["pipeline"].str.contains("resize=").all()


def test_the_same_command_again_does_nothing(world: Path) -> None:
    first = rw.evaluate(MODEL, DATA, SUITE, out="r")
    text = (world / "r" / "summary.json").read_bytes()
    again = rw.evaluate(MODEL, DATA, SUITE, out="r")
    assert again.runs[-1]["parts_written"] == 0
    assert again.runs[-1]["decodes"] == 0
    assert again.runs[-1]["suites"] == first.runs[-1]["suites"]
    assert (world / "r" / "summary.json").read_bytes() == text


@pytest.mark.parametrize("when", [1, 2, 3])
def test_interrupted_and_repeated_it_ends_the_same(
    world: Path, monkeypatch: pytest.MonkeyPatch, when: int
) -> None:
    """In the first stage, between stages, or after the last part: the summary is that of a calm run."""
    calm = rw.evaluate(MODEL, DATA, SUITE, out="calm")
    real, count = Engine.run, iter(range(1, 100))

    def run(engine: Engine, plan: Plan) -> None:
        number = next(count)
        if when == 1:
            small = Plan(plan.cells[:4], ())
            real(engine, small)
            raise KeyboardInterrupt
        if when == 2 and number == 2:
            raise KeyboardInterrupt
        real(engine, plan)
        if when == 3 and number == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Engine, "run", run)
        with pytest.raises(KeyboardInterrupt):
            rw.evaluate(MODEL, DATA, SUITE, out="r")
    if when == 3:  # what the stage had finished is in the summary already
        assert stacks(rw.Run("r")) == stacks(calm)
    resumed = rw.evaluate(MODEL, DATA, SUITE, out="r")
    assert resumed.summary == calm.summary
    assert resumed.rows().equals(calm.rows())


def test_processes_plan_the_same_stages(world: Path) -> None:
    serial = rw.evaluate(MODEL, DATA, SUITE, out="serial")
    spread = rw.evaluate(MODEL, DATA, SUITE, out="spread", executor="processes")
    assert spread.summary["rows"] == serial.summary["rows"]
    assert spread.runs[-1]["parts_written"] == 0  # the workers did all stages
    assert spread.rows().drop("request").equals(serial.rows().drop("request"))


def test_every_model_has_a_worst_of_its_own(world: Path) -> None:
    """A model added later gets its stage, and that of the first stays."""
    first = rw.evaluate(MODEL, DATA, SUITE, out="r")
    kept = stacks(first)
    both = rw.evaluate([MODEL, OTHER], DATA, SUITE, out="r")
    assert stacks(both) == kept
    assert stacks(both, OTHER)
    later = both.runs[-1]["suites"][0]["later"]
    assert {one["model"]: one["stresses"] for one in later} == {
        MODEL: kept,
        OTHER: stacks(both, OTHER),
    }
    alone = rw.evaluate(OTHER, DATA, SUITE, out="r")
    assert stacks(alone) == kept


def test_a_dry_run_says_that_more_follows(world: Path) -> None:
    job: Any = RunFile.model_validate({"models": [MODEL], "data": [DATA], "stresses": [SUITE]})
    assert f"then what follows from the results of {SUITE}" in dry_run(job)
    plain: Any = RunFile.model_validate({"models": [MODEL], "data": [DATA], "stresses": ["clean"]})
    assert "follows" not in dry_run(plain)


@pytest.mark.parametrize("until", ["top1±40", "worst_drop±60", "pipeline_std±0.01"])
def test_stages_and_precision_go_together(world: Path, until: str) -> None:
    """A metric of cells, one of the suite, and one that never gets so precise; the stack runs whole."""
    whole = rw.evaluate(MODEL, DATA, SUITE, out="whole")
    run = rw.evaluate(MODEL, DATA, SUITE, out="r", until=until)
    assert stacks(run) == stacks(whole)
    said = {entry["stress"]: entry for entry in run.runs[-1]["until"]["cells"]}
    assert set(stacks(run)) < set(said)
    suite = until.partition("±")[0] != "top1"
    assert said[stacks(run)[0]]["applies"] is not suite
    assert said["resizer(resize=pillow-nearest)"]["applies"]
    assert said["resizer(resize=pillow-nearest)"]["precise"] is not until.startswith("pipe")
