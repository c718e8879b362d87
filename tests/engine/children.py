"""Runs in processes of their own, that a test can kill or start side by side."""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine_world import QUICK, write_pictures

import roadworthy as rw
from roadworthy.engine.live import Lines
from roadworthy.engine.options import Executor

MODEL = "torch:nets.py:colours(size=16)"
DATA = "imagefolder:pictures"
SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["torch", "cv2", "polars", "roadworthy.evaluation", "engine_world"])

NETS = """\
import sys
import time
from pathlib import Path

sys.path.insert(0, {here!r})
from engine_world import ColourNet


class Slow(ColourNet):
    # notes how many images it has seen, and takes its time
    def forward(self, x):
        with open("seen.txt", "a") as file:
            file.write(f"{{len(x)}}\\n")
        time.sleep(0.004 * len(x))
        return super().forward(x)


def colours():
    return ColourNet()


def slow():
    return Slow()
"""


def write_world(folder: Path, *, each: int) -> Path:
    """Write pictures and a file of networks into ``folder``; returns it."""
    write_pictures(folder / "pictures", each=each)
    (folder / "nets.py").write_text(NETS.format(here=str(Path(__file__).parent)))
    return folder


def _run(folder: str, out: str, executor: Executor, cores: int, given: dict[str, Any]) -> None:
    """Run a job in a session of its own, so that it can be killed with its workers."""
    os.setsid()
    os.chdir(folder)
    os.environ["OMP_NUM_THREADS"] = str(cores)
    os.environ |= given.pop("environment", {})
    sys.stderr = open(given.pop("said", os.devnull), "w", buffering=1)  # noqa: SIM115
    model, stresses = given.pop("model", MODEL), given.pop("stresses", QUICK)
    watcher = Lines(sys.stderr)
    rw.evaluate(model, DATA, stresses, out=out, executor=executor, watcher=watcher, **given)


def start(world: Path, out: Path, executor: Executor, *, cores: int = 0, **given: Any) -> Any:
    """Start a run of ``world`` into ``out``; returns its process.

    ``given`` are options of the run, its ``model`` and ``stresses``, more ``environment``, and the
    file for what is ``said``. Two workers unless told otherwise.
    """
    cores = cores or (1 if executor == "serial" else 2)
    child = SERVER.Process(target=_run, args=(str(world), str(out), executor, cores, given))
    child.start()
    return child


def wait_for(condition: Callable[[], object], child: Any, *, seconds: float = 120) -> None:
    """Wait until ``condition`` holds, the child ended or the time is over."""
    deadline = time.monotonic() + seconds
    while not condition() and child.is_alive() and time.monotonic() < deadline:
        time.sleep(0.002)
