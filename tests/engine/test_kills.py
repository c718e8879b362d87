"""SIGKILL at many points of a run at all six taps: nothing finished is lost, nothing is wrong."""

from __future__ import annotations

import os
import re
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from children import start, wait_for, write_world

import roadworthy as rw
from roadworthy.engine.options import Executor


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


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with pictures for three units of work, and an undisturbed run in `calm`."""
    folder = write_world(tmp_path_factory.mktemp("kills"), each=50)
    child = start(folder, folder / "calm", "serial")
    child.join()
    assert child.exitcode == 0
    return folder


def _disturb(world: Path, out: Path, executor: Executor, point: int) -> tuple[bool, bool]:
    """Kill a run at ``point``: inside a write for every third, else once so many parts stand.

    Returns whether it still ran when it was killed, and whether that was inside a write.
    """
    before = len(_parts(out))
    if point % 3 == 0:
        marker = out.parent / f"{out.name}-{point}.marker"
        child = start(world, out, executor, environment={"ROADWORTHY_TEST_PAUSE": str(marker)})
        wait_for(marker.exists, child)
        inside = marker.exists() and bool(list(out.glob("records/*/.tmp-*")))
    else:
        child = start(world, out, executor)
        wait_for(lambda: len(_parts(out)) >= before + point % 2 + 1, child)
        time.sleep(0.004 * (point % 5))
        inside = False
    killed = _kill(child)
    return killed, inside and killed


def _same_as_undisturbed(world: Path, out: Path) -> None:
    calm, run = rw.Run(world / "calm"), rw.Run(out)
    assert run.rows().equals(calm.rows())
    assert (out / "summary.json").read_bytes() == (world / "calm" / "summary.json").read_bytes()
    assert not list(out.rglob(".tmp-*"))
    assert not list(out.glob("leases/*"))
    assert not run.damaged


def _battle(world: Path, tmp_path: Path, executor: Executor, *, folders: int, kills: int) -> None:
    killed = inside = reused = redone = 0
    for number in range(folders):
        out = tmp_path / f"{executor}{number}"
        for kill in range(kills):
            kept = _parts(out)
            ran, in_write = _disturb(world, out, executor, number + kill)
            killed, inside = killed + ran, inside + in_write
            after = _parts(out)
            assert {p: after[p] for p in kept} == kept  # what was finished is not written again
        kept = _parts(out)
        child = start(world, out, executor)
        child.join()
        assert child.exitcode == 0
        final = _parts(out)
        assert {p: final[p] for p in kept} == kept
        reused += len(kept)
        redone += len(final) - len(kept)
        _same_as_undisturbed(world, out)
    print(
        f"{executor}: {killed} of {folders * kills} kills hit a live run, {inside} inside a write; "
        f"{reused} parts used again, {redone} judged anew"
    )
    assert reused
    assert redone
    assert killed >= 0.9 * folders * kills
    assert inside >= max(1, folders * kills // 4)


def test_twenty_kills_of_a_serial_run(world: Path, tmp_path: Path) -> None:
    _battle(world, tmp_path, "serial", folders=5, kills=4)


def test_kills_of_a_run_in_processes(world: Path, tmp_path: Path) -> None:
    _battle(world, tmp_path, "processes", folders=1, kills=4)


@pytest.mark.slow
@pytest.mark.parametrize("executor", ["serial", "processes"])
def test_two_hundred_kills(world: Path, tmp_path: Path, executor: Executor) -> None:
    _battle(world, tmp_path, executor, folders=50, kills=4)


def test_a_worker_that_is_killed_is_named_and_its_work_done_again(
    world: Path, tmp_path: Path
) -> None:
    out, said = tmp_path / "worker", tmp_path / "said.txt"
    child = start(world, out, "processes", said=str(said))
    victims: list[int] = []

    def workers_seen() -> bool:
        victims[:] = [pid for pid in _descendants(child.pid) if "spawn_main" in _command_line(pid)]
        return len(victims) >= 2

    wait_for(workers_seen, child)
    os.kill(victims[0], signal.SIGKILL)
    child.join()
    assert child.exitcode == 0
    assert re.search(r"warning: worker [01] died \(exit code -9\)", said.read_text())
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
