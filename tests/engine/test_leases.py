"""Leases: who is at what, when that is over, and two commands that fill one folder together."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from children import start, wait_for, write_world
from engine_world import QUICK, colour_net

import roadworthy as rw
from roadworthy.engine import leases as module
from roadworthy.engine import live, workers
from roadworthy.engine.leases import Leases
from roadworthy.engine.options import Options
from roadworthy.engine.units import next_unit, units
from roadworthy.evaluation import prepare

SLOW = "torch:nets.py:slow(size=16)"
NOISE = ("clean", "gaussian_noise(severity=3)")


class Clock:
    """A monotonic clock that stands still until it is told otherwise."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Return the clock that leases look at."""
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


def _foreign(folder: Path, name: str = "a") -> Path:
    """Write the lease of somebody on another machine."""
    path = folder / name
    path.write_text(json.dumps({"host": "elsewhere", "pid": 1, "token": "other"}))
    return path


def test_a_lease_that_is_given_back_is_seen_at_once(tmp_path: Path) -> None:
    mine, other = Leases(tmp_path), Leases(tmp_path)
    assert mine.take("a")
    assert mine.take("b")
    threading.Timer(0.1, mine.give_back, ["b"]).start()
    began = time.monotonic()
    other.wait(["a", "b"], seconds=5.0)
    assert time.monotonic() - began < 2.0
    assert other.take("b")
    began = time.monotonic()
    other.wait(["a", "b"], seconds=0.1)
    assert time.monotonic() - began >= 0.1


def test_only_one_of_many_gets_a_lease(tmp_path: Path) -> None:
    everybody = [Leases(tmp_path) for _ in range(8)]
    got: list[bool] = []
    threads = [
        threading.Thread(target=lambda one=one: got.append(one.take("a"))) for one in everybody
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == [False] * 7 + [True]


def test_the_lease_of_a_dead_process_is_free_at_once(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from roadworthy.engine.leases import Leases\n"
        f"assert Leases(Path({str(tmp_path)!r})).take('a')"
    )
    owner = subprocess.Popen([sys.executable, "-c", script])
    while owner.poll() is None and not (tmp_path / "a").exists():
        time.sleep(0.01)
    # Not asked how it ended, it is still in the list of processes.
    deadline = time.monotonic() + 30
    taken = False
    while not taken and time.monotonic() < deadline:
        taken = Leases(tmp_path).take("a")
        time.sleep(0.01)
    assert taken
    assert owner.wait() == 0


def test_the_lease_of_a_living_process_is_not_free(tmp_path: Path) -> None:
    assert Leases(tmp_path).take("a")
    assert not Leases(tmp_path).take("a")


@pytest.mark.parametrize("named", [True, False])
def test_a_lease_whose_owner_is_silent_is_free_and_sooner_without_a_name(
    tmp_path: Path, clock: Clock, named: bool
) -> None:
    path = _foreign(tmp_path)
    if not named:
        path.write_text("")
    mine = Leases(tmp_path)
    assert not mine.take("a")
    clock.now += module.STALE_SECONDS if named else module.NAMELESS_SECONDS
    assert not mine.take("a")
    clock.now += 0.1
    assert mine.take("a")
    assert json.loads((tmp_path / "a").read_text())["token"] != "other"


def test_a_lease_whose_owner_gives_a_sign_is_kept(tmp_path: Path, clock: Clock) -> None:
    path = _foreign(tmp_path)
    mine = Leases(tmp_path)
    for beat in range(5):
        assert not mine.take("a")
        clock.now += module.STALE_SECONDS - 1
        os.utime(path, (beat, beat))
    assert not mine.take("a")


@pytest.mark.parametrize("when", [1.0, 4e9])
def test_a_jump_of_the_wall_clock_frees_no_lease_and_keeps_none(
    tmp_path: Path, clock: Clock, when: float
) -> None:
    path = _foreign(tmp_path)
    os.utime(path, (when, when))
    mine = Leases(tmp_path)
    assert not mine.take("a")
    clock.now += module.STALE_SECONDS + 0.1
    assert mine.take("a")


def test_a_heartbeat_touches_what_is_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HEARTBEAT_SECONDS", 0.02)
    mine = Leases(tmp_path)
    with mine.beating():
        assert mine.take("a")
        os.utime(tmp_path / "a", (1.0, 1.0))
        deadline = time.monotonic() + 10
        while (tmp_path / "a").stat().st_mtime < 2.0 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert (tmp_path / "a").stat().st_mtime > 2.0
    assert not (tmp_path / "a").exists()


def test_a_lease_that_was_taken_over_is_not_removed(tmp_path: Path) -> None:
    mine = Leases(tmp_path)
    assert mine.take("a")
    _foreign(tmp_path)
    mine.give_back("a")
    assert (tmp_path / "a").exists()


def test_leases_do_not_depend_on_the_size_of_units(tmp_path: Path) -> None:
    write_world(tmp_path, each=50)
    data = f"imagefolder:{tmp_path / 'pictures'}"
    plan = prepare(colour_net(), data, list(QUICK), Options()).plan
    todo = {cell.request: {s.id for s in cell.source.samples} for cell in plan.cells}

    def covered(size: int) -> dict[str, dict[str, set[str]]]:
        found = [unit.leases(todo) for unit in units(plan, size)]
        names = [name for one in found for name in one]
        assert len(names) == len(set(names))
        return {name: what for one in found for name, what in one.items()}

    small, large = covered(64), covered(1024)
    assert small == large
    assert len(small) == 3 * len(plan.cells)
    assert sorted(len(ids) for what in small.values() for ids in what.values())[0] == 150 - 128
    finished = plan.cells[0].request
    todo[finished] = set()
    assert not any(finished in what for what in covered(128).values())


def test_who_shares_what(tmp_path: Path) -> None:
    write_world(tmp_path, each=50)
    data = f"imagefolder:{tmp_path / 'pictures'}"
    stresses = ["clean", *(f"gaussian_noise(severity={level})" for level in range(1, 6))]
    plan = prepare(colour_net(), data, stresses, Options()).plan
    todo = {cell.request: {s.id for s in cell.source.samples} for cell in plan.cells}
    (unit,) = units(plan, 1024)
    ids = [{s.id for s in unit.samples[start : start + 64]} for start in (0, 64, 128)]
    requests = [cell.request for cell in plan.cells]
    assert unit.free(todo, {}) == (set().union(*ids), set())
    # somebody is at one stress of the second 64: the others are worth sharing
    assert unit.free(todo, {1: {requests[0]}}) == (ids[0] | ids[2], ids[1])
    assert unit.free(todo, {1: {"of another command"}}) == (set().union(*ids), set())
    # of too few they are not, nor where nothing is left
    assert unit.free(todo, {1: set(requests[:3])}) == (ids[0] | ids[2], set())
    less = {request: left - ids[0] for request, left in todo.items()}
    assert unit.free(less, {1: set(requests[:2])}) == (ids[2], ids[1])
    # whole units first, then parts of them, then what is shared
    small = units(plan, 64)
    held = [f"{requests[0]}-0", f"{requests[0]}-2", "no lease"]
    assert next_unit(small, todo, held) == (small[1], ids[1])
    assert next_unit([unit], todo, held) == (unit, ids[1])
    assert next_unit([small[2], small[0]], todo, held) == (small[2], ids[2])
    attacked = prepare(colour_net(), data, ["clean", "pgd(eps=4/255)"], Options()).plan
    left = {cell.request: {s.id for s in cell.source.samples} for cell in attacked.cells}
    (one,) = units(attacked, 1024)
    clean, pgd = (cell.request for cell in attacked.cells)
    assert one.free(left, {1: {clean}}) == (ids[0] | ids[2], ids[1])
    assert one.free(left, {1: {pgd}}) == (ids[0] | ids[2], set())
    few = {**todo, **{request: set() for request in requests[3:]}}
    assert next_unit([small[2], small[0]], few, held) == (None, set())


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"executor": "processes", "cores": 2}, marks=pytest.mark.slow),
        {"executor": "serial", "cores": 2},
    ],
)
def test_two_commands_share_the_work_however_they_cut_it(
    tmp_path: Path, other: dict[str, object]
) -> None:
    world, count = write_world(tmp_path, each=80), 240
    calm = start(world, world / "calm", "serial", stresses=NOISE, batch_size=16)
    given = {"model": SLOW, "stresses": NOISE, "batch_size": 16}
    out = world / "out"
    first = start(world, out, "processes", cores=2, **given)
    wait_for(lambda: list(out.glob("leases/*")), first)
    second = start(world, out, **other, **given)  # type: ignore[arg-type]
    first.join()
    second.join()
    calm.join()
    assert (calm.exitcode, first.exitcode, second.exitcode) == (0, 0, 0)
    seen = sum(map(int, (world / "seen.txt").read_text().split()))
    columns = ("stress", "variant", "sample", "margin", "correct")
    rows, undisturbed = rw.Run(out).rows(), rw.Run(world / "calm").rows()
    assert rows.select(columns).equals(undisturbed.select(columns))
    assert 2 * count <= seen <= 1.25 * 2 * count
    assert not list((out / "leases").iterdir())
    assert len(rw.Run(out).runs) == 2


def test_two_commands_share_one_unit_stress_by_stress(tmp_path: Path) -> None:
    world, count = write_world(tmp_path, each=40), 120
    stresses = ["clean", *(f"gaussian_noise(severity={level})" for level in range(1, 6))]
    given: dict[str, Any] = {"model": SLOW, "stresses": stresses, "batch_size": 16}
    out = world / "out"
    first = start(world, out, "serial", **given)
    wait_for(lambda: list(out.glob("leases/*")), first)
    second = start(world, out, "serial", **given)
    first.join()
    second.join()
    assert (first.exitcode, second.exitcode) == (0, 0)
    assert all(run["parts_written"] > 0 for run in rw.Run(out).runs)
    assert sum(run["parts_written"] for run in rw.Run(out).runs) == len(stresses)
    assert len(rw.Run(out).rows()) == len(stresses) * count
    seen = sum(map(int, (world / "seen.txt").read_text().split()))
    # Both need the clean logits, and try out a few images first.
    assert seen <= (len(stresses) + 1) * count + 100
    assert not list((out / "leases").iterdir())


def test_what_others_finished_while_we_were_busy_is_not_done_again(tmp_path: Path) -> None:
    world = write_world(tmp_path, each=10)
    # whoever comes second does the rest, then waits without a lease until the attack is over
    noise = [f"gaussian_noise(severity={level})" for level in range(1, 6)]
    stresses = ["clean", "pgd(eps=4/255, steps=25, stop=never)", *noise]
    given: dict[str, Any] = {"model": SLOW, "stresses": stresses, "batch_size": 16}
    out = world / "out"
    first = start(world, out, "serial", **given)
    wait_for(lambda: len(list(out.glob("records/*/*"))) == 1, first)
    second = start(world, out, "serial", **given)
    first.join()
    second.join()
    assert (first.exitcode, second.exitcode) == (0, 0)
    written = [run["parts_written"] for run in rw.Run(out).runs]
    assert min(written) > 0
    assert sum(written) == len(stresses)


def test_word_is_left_with_those_who_are_at_the_same(tmp_path: Path) -> None:
    mine, other = Leases(tmp_path), Leases(tmp_path)
    with mine.beating():
        with mine.holding(["a", "b"]) as held:
            assert held == ["a", "b"]
            assert not mine.company({"a", "b", "c"})
            with other.holding(["b", "c"]) as rest:
                assert rest == ["c"]
                assert mine.company({"a", "b", "c"})
                assert not mine.company({"a", "b"})
            assert not mine.company({"a", "b", "c"})
            other.leave_word(["b"])
            assert mine.company({"a"})
            assert other.others() == {"a", "b"}
            assert mine.others() == set()
        assert not mine.company({"a", "b", "c"})
        other.leave_word(["gone"])
    assert not os.listdir(tmp_path)


def test_what_is_held_already_is_held_on(tmp_path: Path) -> None:
    mine = Leases(tmp_path)
    with mine.holding(["a"]):
        with mine.holding(["a", "b"]) as held:
            assert held == ["a", "b"]
        assert os.listdir(tmp_path) == ["a"]
    assert not os.listdir(tmp_path)


def test_who_is_waited_for_is_said_once_a_minute_at_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, awaited = Clock(), live.Awaited()
    monkeypatch.setattr(live, "time", clock)
    assert awaited.text(["a", "b"]) == "waiting for what is left: a and b is at it"
    clock.now += 100
    assert awaited.text(["a", "b"]) == ""
    assert awaited.text(["c"])
    clock.now += 59
    assert awaited.text(["d"]) == ""
    clock.now += 2
    assert awaited.text(["d"])


def test_leases_of_dead_processes_are_removed(tmp_path: Path, clock: Clock) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    here = {"host": socket.gethostname(), "token": "t"}
    (tmp_path / "dead").write_text(json.dumps({**here, "pid": dead.pid}))
    (tmp_path / "alive").write_text(json.dumps({**here, "pid": os.getpid()}))
    (tmp_path / "empty").write_text("")
    _foreign(tmp_path, "silent")
    mine = Leases(tmp_path)
    assert mine.take("mine")
    assert mine.others() == {"alive", "empty", "silent"}
    assert mine.owners(["alive", "empty"]) == [f"process {os.getpid()} on {here['host']}"]
    clock.now += module.STALE_SECONDS + 0.1
    os.utime(tmp_path / "alive", (1, 1))
    assert mine.others() == {"alive"}
    assert sorted(os.listdir(tmp_path)) == ["alive", "mine"]


def test_a_folder_of_leases_that_vanishes_ends_nothing(tmp_path: Path) -> None:
    mine = Leases(tmp_path / "leases")
    assert mine.others() == set()
    assert mine.take("a")
    shutil.rmtree(tmp_path / "leases")
    assert mine.wait(["a"], seconds=5.0)
    mine.give_back("a")
    assert mine.take("a")


def test_a_lease_that_cannot_be_written_is_not_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = Leases(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr("json.dump", _full)
        with pytest.raises(OSError, match="No space"):
            mine.take("a")
    assert mine.take("a")


def _full(*_: object) -> None:
    raise OSError(28, "No space left on device")


def test_workers_that_wait_for_others_say_so(tmp_path: Path) -> None:
    world, out = write_world(tmp_path, each=20), tmp_path / "out"
    marker, said = world / "marker", world / "said.txt"
    paused = {"ROADWORTHY_TEST_PAUSE": str(marker)}
    first = start(world, out, "serial", stresses="clean", environment=paused)
    wait_for(marker.exists, first)
    second = start(world, out, "processes", stresses="clean", said=str(said))
    line = f"waiting for what is left: process {first.pid} on {socket.gethostname()} is at it\n"
    wait_for(lambda: said.exists() and line in said.read_text(), second)
    os.kill(first.pid, signal.SIGKILL)
    first.join()
    second.join()
    assert second.exitcode == 0
    assert said.read_text().count("waiting") == said.read_text().count(line) == 1


@pytest.mark.parametrize(("device", "count"), [("cuda", 3), ("cuda:1", 1), ("cpu", 5)])
def test_there_is_a_process_for_each_accelerator_or_core(
    monkeypatch: pytest.MonkeyPatch, device: str, count: int
) -> None:
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: True)
    monkeypatch.setattr(torch.accelerator, "device_count", lambda: 3)
    monkeypatch.setattr(workers, "cores", lambda: 5)
    assert workers.processes(device) == count


def test_a_command_waits_for_another_says_so_and_takes_over_when_that_dies(tmp_path: Path) -> None:
    world, out = write_world(tmp_path, each=20), tmp_path / "out"
    marker, said = world / "marker", world / "said.txt"
    paused = {"ROADWORTHY_TEST_PAUSE": str(marker)}
    first = start(world, out, "serial", stresses=NOISE, environment=paused)
    wait_for(marker.exists, first)
    second = start(world, out, "serial", stresses=NOISE, said=str(said))
    line = f"waiting for what is left: process {first.pid} on {socket.gethostname()} is at it\n"
    wait_for(lambda: said.exists() and line in said.read_text(), second)
    assert second.is_alive()
    os.kill(first.pid, signal.SIGKILL)
    first.join()
    second.join()
    assert second.exitcode == 0
    assert said.read_text().count(line) == 1
    assert len(rw.Run(out).rows()) == 2 * 60
