"""SIGKILL at many points of a run at all six taps: nothing finished is lost, nothing is wrong."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from engine_world import QUICK, write_pictures

import roadworthy as rw
from roadworthy.engine.options import Executor

MODEL = "torch:nets.py:colours(size=16)"
DATA = "imagefolder:pictures"
SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["torch", "cv2", "polars", "roadworthy.evaluation", "engine_world"])


def _child(folder: str, out: str, executor: Executor, marker: str | None) -> None:
    """Run the job in a session of its own, so that it can be killed with its workers."""
    os.setsid()
    os.chdir(folder)
    os.environ["OMP_NUM_THREADS"] = "1" if executor == "serial" else "2"
    if marker:
        os.environ["ROADWORTHY_TEST_PAUSE"] = marker
    sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    rw.evaluate(MODEL, DATA, QUICK, out=out, executor=executor)


def _start(world: Path, out: Path, executor: Executor, marker: Path | None = None) -> Any:
    child = SERVER.Process(
        target=_child, args=(str(world), str(out), executor, str(marker) if marker else None)
    )
    child.start()
    return child


def _kill(child: Any) -> bool:
    """Kill a child and its workers; returns whether it still ran."""
    running = bool(child.is_alive())
    if running:
        try:
            os.killpg(child.pid, signal.SIGKILL)
        except ProcessLookupError:
            os.kill(child.pid, signal.SIGKILL)
    child.join()
    return running


def _parts(out: Path) -> dict[Path, tuple[int, int]]:
    found = {}
    for path in out.glob("records/*/[!.]*.parquet"):
        status = path.stat()
        found[path] = (status.st_mtime_ns, status.st_ino)
    return found


def _wait_for(condition: Any, child: Any, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition() and child.is_alive() and time.monotonic() < deadline:
        time.sleep(0.002)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with pictures, a network in a file, and an undisturbed run in `calm`."""
    folder = tmp_path_factory.mktemp("kills")
    write_pictures(folder / "pictures", each=6)
    (folder / "nets.py").write_text(
        f"import sys\nsys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from engine_world import ColourNet\n\n\ndef colours():\n    return ColourNet()\n"
    )
    child = _start(folder, folder / "calm", "serial")
    child.join()
    assert child.exitcode == 0
    return folder


def _disturb(world: Path, out: Path, executor: Executor, point: int) -> tuple[bool, int]:
    """Kill a run at ``point``: inside a write for every third, else once so many parts stand.

    Returns whether it was killed inside a write, and how many parts had been kept.
    """
    before = len(_parts(out))
    if point % 3 == 0:
        marker = out.parent / f"{out.name}-{point}.marker"
        child = _start(world, out, executor, marker)
        _wait_for(marker.exists, child)
        inside = marker.exists()
    else:
        child = _start(world, out, executor)
        _wait_for(lambda: len(_parts(out)) >= before + point % 2 + 1, child)
        time.sleep(0.004 * (point % 5))
        inside = False
    killed = _kill(child)
    return inside and killed, len(_parts(out))


def _same_as_undisturbed(world: Path, out: Path) -> None:
    calm, run = rw.Run(world / "calm"), rw.Run(out)
    assert run.rows().equals(calm.rows())
    assert (out / "summary.json").read_bytes() == (world / "calm" / "summary.json").read_bytes()
    assert not list(out.glob("records/*/.tmp-*")) or not run.damaged


def _battle(world: Path, tmp_path: Path, executor: Executor, *, folders: int, kills: int) -> None:
    inside = reused = redone = 0
    for number in range(folders):
        out = tmp_path / f"{executor}{number}"
        for kill in range(kills):
            kept = _parts(out)
            was_inside, _ = _disturb(world, out, executor, number + kill)
            inside += was_inside
            after = _parts(out)
            assert {p: after[p] for p in kept} == kept  # what was finished is not written again
        kept = _parts(out)
        child = _start(world, out, executor)
        child.join()
        assert child.exitcode == 0
        final = _parts(out)
        assert {p: final[p] for p in kept} == kept
        reused += len(kept)
        redone += len(final) - len(kept)
        _same_as_undisturbed(world, out)
    assert reused
    assert redone
    assert inside >= folders * kills // 4


def test_twenty_kills_of_a_serial_run(world: Path, tmp_path: Path) -> None:
    _battle(world, tmp_path, "serial", folders=5, kills=4)


def test_kills_of_a_run_in_processes(world: Path, tmp_path: Path) -> None:
    _battle(world, tmp_path, "processes", folders=1, kills=2)


@pytest.mark.slow
@pytest.mark.parametrize("executor", ["serial", "processes"])
def test_two_hundred_kills(world: Path, tmp_path: Path, executor: Executor) -> None:
    folders = 50 if executor == "serial" else 6
    _battle(world, tmp_path, executor, folders=folders, kills=4)


def test_a_worker_that_is_killed_is_named_and_its_work_done_again(
    world: Path, tmp_path: Path
) -> None:
    out = tmp_path / "worker"
    child = _start(world, out, "processes")
    victims: list[int] = []

    def workers_seen() -> bool:
        victims[:] = [pid for pid in _descendants(child.pid) if "spawn_main" in _command_line(pid)]
        return len(victims) >= 2

    _wait_for(workers_seen, child)
    os.kill(victims[0], signal.SIGKILL)
    child.join()
    assert child.exitcode == 0
    _same_as_undisturbed(world, out)


def _descendants(pid: int) -> list[int]:
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return []
    return [int(part) for part in text.split()]


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""
