"""Frames are made when asked for, and threads that work alone take images from file to logits."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from engine_world import COLOURS, colour_net, write_pictures
from torch import Tensor, nn

import roadworthy as rw
from roadworthy.data.registry import open_data
from roadworthy.engine import forward as module_forward
from roadworthy.engine import frames as module
from roadworthy.engine.ahead import Ahead
from roadworthy.engine.batch import Batches
from roadworthy.engine.frames import Frames, Product
from roadworthy.engine.options import Options
from roadworthy.engine.plan import Judge, plan
from roadworthy.engine.spread import spread
from roadworthy.pipeline.base import Pipeline
from roadworthy.suites import expand
from roadworthy.types import Classes, Metadata

FRAME = Product("frame", Pipeline((2, 2)))


@pytest.fixture
def pool() -> Iterator[Executor]:
    """Yield two threads."""
    with ThreadPoolExecutor(2, "helper") as threads:
        yield threads


class Watched:
    """Frames whose picture tells the position, and who made each; 3 and 7 are no use."""

    def __init__(self, pool: Executor, *, seconds: float, workers: int = 2) -> None:
        self.makers: dict[int, str] = {}
        self.seconds = seconds
        self.frames = Frames(8, self.make, pool=pool, workers=workers)

    def make(self, position: int) -> None:
        assert position not in self.makers
        self.makers[position] = threading.current_thread().name
        time.sleep(self.seconds)
        if position != 3:
            self.frames.put(FRAME, position, np.full((2, 2, 3), position, np.uint8))
        if position in (3, 7):
            self.frames.fail(FRAME, position, "broken")


def test_only_what_is_asked_for_is_made_and_once(pool: Executor) -> None:
    watched = Watched(pool, seconds=0.0)
    frames = watched.frames
    assert not watched.makers
    assert frames.usable(FRAME, [2, 3, 4]) == [2, 4]
    assert sorted(watched.makers) == [2, 3, 4]
    assert frames.stack(FRAME, [4, 5])[:, 0, 0, 0].tolist() == [4, 5]
    assert frames.get(FRAME, 2).max() == 2
    assert sorted(watched.makers) == [2, 3, 4, 5]
    assert frames.failures == {FRAME: {3: "broken", 7: "broken"}}  # needs to know of all
    assert sorted(watched.makers) == list(range(8))
    assert frames.usable(FRAME, range(8)) == [0, 1, 2, 4, 5, 6]


@pytest.mark.parametrize(
    ("seconds", "workers", "helped"), [(0.0, 2, False), (0.05, 2, True), (0.05, 1, False)]
)
def test_threads_help_where_an_image_is_work(
    pool: Executor, monkeypatch: pytest.MonkeyPatch, seconds: float, workers: int, helped: bool
) -> None:
    monkeypatch.setattr(module, "SHORT_SECONDS", 0.025)  # far from both on a busy machine
    watched = Watched(pool, seconds=seconds, workers=workers)
    watched.frames.make_all()
    assert sorted(watched.makers) == list(range(8))
    by_helpers = {i for i, name in watched.makers.items() if name.startswith("helper")}
    assert by_helpers == (set(range(module.TRIED, 8)) if helped else set())


def test_an_error_ends_the_work_of_all(pool: Executor) -> None:
    done = []

    def work(position: int) -> None:
        if position == 2:
            raise KeyError("not of the file")
        time.sleep(0.01)
        done.append(position)

    with pytest.raises(KeyError, match="not of the file"):
        spread(range(100), work, pool=pool, workers=2)
    pool.submit(int).result()
    assert len(done) < 10


def test_who_waits_for_what_is_read_ahead_gets_it_or_the_reason(pool: Executor) -> None:
    done: list[int] = []

    def work(positions: Sequence[int]) -> None:
        time.sleep(0.01)
        if positions[0] >= 64:
            raise KeyError("no more")
        done.extend(positions)

    ahead = Ahead(100, work)
    pool.submit(ahead.run)
    for position in (0, 15, 16, 47, 40):
        ahead.wait(position)
        assert position in done
        assert len(done) <= 64
    with pytest.raises(KeyError, match="no more"):
        ahead.wait(99)
    assert done == list(range(64))
    ahead.wait(63)  # what was done stays so


class Bright(nn.Module):
    """Logits are the mean of each channel, through a convolution with an activation."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 1, bias=False)
        self.conv.weight.data = 8.0 * torch.eye(3).view(3, 3, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = nn.functional.relu(self.conv(x)).mean((2, 3))
        return out


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two cores")
@pytest.mark.parametrize(("most", "short"), [(100, False), (100, True), (5, False), (5, True)])
def test_threads_that_take_images_to_the_logits_leave_the_same_records(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    most: int,
    short: bool,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pictures = write_pictures(tmp_path / "pictures", each=25)
    (pictures / "red" / "3.png").write_bytes(b"no image")
    model = rw.wrap(Bright(), size=16, name="colours", classes=Classes(3, COLOURS))
    monkeypatch.setattr(module, "SHORT_SECONDS", 100.0 if short else 0.0)
    seen: list[tuple[str, int]] = []

    def forward(classifier: Any, x: Tensor, *, name: str) -> Any:
        seen.append((threading.current_thread().name, len(x)))
        if len(x) > most:
            raise MemoryError
        return module_forward.forward(classifier, x, name=name)

    monkeypatch.setattr("roadworthy.engine.clean.forward", forward)
    found = {}
    for threads in ("1", "2"):
        monkeypatch.setenv("OMP_NUM_THREADS", threads)
        seen.clear()
        out = tmp_path / threads
        run = rw.evaluate(model, f"imagefolder:{pictures}", "clean", out=out)
        found[threads] = run.rows()
        names = {name for name, _ in seen}
        assert all(name.startswith("roadworthy-chunk") == (threads == "2") for name in names)
        assert run.runs[-1]["decodes"] == 75
        sizes = sorted(count for _, count in seen if count <= most)
        assert sum(sizes) == 74
        if threads == "2" and most == 100:
            assert sizes == sorted([16, 16, 16, 16, 5, 6]) or sizes == sorted(
                [16, 16, 16, 15, 5, 6]
            )
    if short:
        broken_reading(monkeypatch, model, pictures, tmp_path / "broken")
    floats = pl.selectors.float()
    one, two = found["1"], found["2"]
    assert one.height == 75
    assert one.filter(status="failed").height == 1
    assert one.drop(floats).equals(two.drop(floats))
    for name in ("conf", "margin", "loss"):
        np.testing.assert_allclose(one[name].to_numpy(), two[name].to_numpy(), rtol=1e-4, atol=1e-5)
    assert ("memory ran out" in capsys.readouterr().err) == (most < 100)


def broken_reading(monkeypatch: pytest.MonkeyPatch, model: Any, pictures: Path, out: Path) -> None:
    """What goes wrong while one thread reads ahead, other than a file, ends the run."""
    made = module._make

    def broken(kitchen: Any, asked: Any, position: int, frames: Frames) -> None:
        if position == 20:
            raise KeyError("a defect of ours")
        made(kitchen, asked, position, frames)

    with monkeypatch.context() as patch:
        patch.setattr(module, "_make", broken)
        with pytest.raises(KeyError, match="a defect of ours"):
            rw.evaluate(model, f"imagefolder:{pictures}", "clean", out=out)


def test_slices_are_begun_ahead_and_memory_that_ends_loses_none(
    pool: Executor, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = open_data(f"imagefolder:{write_pictures(tmp_path / 'pictures', each=1)}")
    judge = Judge(colour_net(), "colours", "fp32", Metadata())
    cell = plan([judge], [data], expand(["clean"]), Options()).cells[0]
    batches, begun = Batches({}, 8, "cpu"), []

    def work(chosen: list[int]) -> list[int]:
        if len(chosen) > 2:
            raise MemoryError
        return list(chosen)

    def begin(chosen: list[int]) -> Any:
        begun.append(list(chosen))
        return pool.submit(work, chosen)

    made = batches.slices(cell, range(18), work, begin=begin, parts=2)
    assert next(made)[1] == [0, 1]
    assert begun[:4] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11], [12, 13, 14, 15]]
    assert begun[4:] == [[0, 1], [2, 3], [4, 5], [6, 7]]  # too few to be cut
    assert [index for _, part in made for index in part] == list(range(2, 18))
    assert capsys.readouterr().err.count("memory ran out") == 1
