"""What is on disk on bad days: damage, dead writers, full and vanished disks, clocks that jump."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from engine_world import colour_net, write_pictures
from part_makers import samples, write, write_run

import roadworthy as rw
from roadworthy.engine import files
from roadworthy.engine.parts import sealed
from roadworthy.engine.store import Store
from roadworthy.jobs import closing


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / "out")


DAMAGE: dict[str, Any] = {
    "cut short": lambda data: data[: len(data) // 2],
    "cut by one": lambda data: data[:-1],
    "empty": lambda data: b"",
    "noise": lambda data: np.random.default_rng(0).bytes(len(data)),
    "one bit of a row": lambda data: data[:60] + bytes([data[60] ^ 1]) + data[61:],
    "one bit of the footer": lambda data: data[:-60] + bytes([data[-60] ^ 1]) + data[-59:],
    "the checksum": lambda data: data.replace(b'"crc32": "', b'"crc32": "0', 1),
    "text": lambda data: b"hello",
}


def _foreign(path: Path) -> None:
    pl.DataFrame({"a": [1, 2]}).write_parquet(path)


def _other_columns(path: Path) -> None:
    about = {"key": "k", "request": "r", "sequence": 1, "columns": "other"}
    path.write_bytes(sealed(pl.DataFrame({"a": [1, 2]}), about))


@pytest.mark.parametrize("kind", [*DAMAGE, "foreign", "other columns"])
def test_a_damaged_part_is_named_and_counts_as_absent(store: Store, kind: str) -> None:
    good, bad = write(store, 0, 10), write(store, 10, 20)
    if kind in DAMAGE:
        bad.write_bytes(DAMAGE[kind](bad.read_bytes()))
    else:
        (_foreign if kind == "foreign" else _other_columns)(bad)
    fresh = Store.open(store.folder)
    parts, damaged = fresh.parts()
    assert [part.path for part in parts] == [good]
    assert damaged == [bad]
    assert fresh.finished(["r"])["r"] == {(s.id, s.content) for s in samples(0, 10)}
    assert fresh.set_aside() == [f"{bad.relative_to(store.folder)}.damaged"]
    assert fresh.parts()[1] == []


def test_every_byte_of_a_part_is_covered(store: Store) -> None:
    path = write(store, 0, 2)
    data = path.read_bytes()
    for where in np.linspace(0, len(data) - 1, 150).astype(int):
        path.write_bytes(data[:where] + bytes([data[where] ^ 16]) + data[where + 1 :])
        assert Store.open(store.folder).parts() == ([], [path]), where
    path.write_bytes(data)
    assert Store.open(store.folder).parts()[1] == []


def test_damaged_parts_are_judged_again_and_named(tmp_path: Path) -> None:
    pictures = write_pictures(tmp_path / "pictures")
    out, data = tmp_path / "out", f"imagefolder:{pictures}"
    first = rw.evaluate(colour_net(), data, ["clean", "jpeg(quality=30)"], out=out)
    rows, summary = first.rows(), (out / "summary.json").read_bytes()
    part = next(p for p in first.store.parts()[0] if p.footer["stress"] != "clean").path
    part.write_bytes(part.read_bytes()[:-40])
    hurt = rw.Run(out)
    assert hurt.damaged == [part]
    assert set(hurt.rows()["stress"]) == {"clean"}
    manifest = next((out / "manifests").glob("*.parquet"))
    manifest.write_bytes(b"")
    assert rw.Run(out).damaged == [part, manifest]
    assert rw.Run(out).rows().is_empty()
    again = rw.evaluate(colour_net(), data, ["clean", "jpeg(quality=30)"], out=out)
    assert again.runs[-1]["parts_written"] == 1
    assert again.rows().equals(rows)
    assert (out / "summary.json").read_bytes() == summary
    assert again.damaged == []
    said = f"damaged part, set aside and judged again: {part}.damaged"
    assert said in closing(again).splitlines()


def test_run_files_that_are_damaged_are_left_out(store: Store) -> None:
    write_run(store, 1)
    for number, text in enumerate(("", "[]", '{"cells": 3}', "\x00", "[" * 100_000)):
        (store.folder / "runs" / f"bad{number}.json").write_text(text)
    assert [run["id"] for run in Store.open(store.folder).runs()] == ["run1"]


def test_runs_are_in_order_though_the_clock_jumped_back(tmp_path: Path, monkeypatch: Any) -> None:
    pictures = write_pictures(tmp_path / "pictures", each=4)
    out, data = tmp_path / "out", f"imagefolder:{pictures}"
    times = iter(f"20{year}-01-01T00:00:00.000+00:00" for year in range(40, 10, -1))
    monkeypatch.setattr("roadworthy.evaluation._now", lambda: next(times))
    rw.evaluate(colour_net(), data, "clean", out=out, limit=6)
    run = rw.evaluate(colour_net(), data, "clean", out=out, limit=9)
    assert len(run.rows()) == 9
    assert [r["options"]["limit"] for r in run.runs] == [6, 9]
    assert run.runs[0]["started"] > run.runs[1]["started"]
    assert [r["sequence"] for r in run.runs] == [1, 2]


def test_temporary_files_of_dead_processes_are_removed(store: Store) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    host = files._host()
    folder = write(store, 0, 1).parent
    gone = [folder / f".tmp-{dead.pid}-{host}-a.parquet", folder / f".tmp-{dead.pid}-b.parquet"]
    gone.append(store.folder / "runs" / f".tmp-{dead.pid}-{host}-c.json")
    kept = [folder / f".tmp-{os.getpid()}-{host}-a.parquet", folder / ".tmp-x", folder / "note"]
    kept.append(folder / f".tmp-{dead.pid}-{'0' * 8}-other-machine.parquet")
    for path in (*gone, *kept):
        path.write_bytes(b"x")
    Store.create(store.folder)
    assert [path for path in gone if path.exists()] == []
    assert [path for path in kept if not path.exists()] == []
    os.utime(kept[-1], (1, 1))
    Store.create(store.folder)
    assert not kept[-1].exists()


STRESSES = ("clean", "jpeg(quality=30)", "pgd(eps=4/255, steps=2)")


def _goes_on(out: Path, data: str, tmp_path: Path) -> None:
    """The same command goes on, and ends with what an undisturbed run gives."""
    run = rw.evaluate(colour_net(), data, STRESSES, out=out)
    whole = rw.evaluate(colour_net(), data, STRESSES, out=tmp_path / "whole")
    assert run.rows().equals(whole.rows())
    assert (out / "summary.json").read_bytes() == (tmp_path / "whole/summary.json").read_bytes()
    assert not list(out.rglob(".tmp-*"))


def test_a_full_disk_keeps_what_was_finished(tmp_path: Path, monkeypatch: Any) -> None:
    out, data = tmp_path / "out", f"imagefolder:{write_pictures(tmp_path / 'pictures')}"
    plain = Path.write_bytes

    def full(path: Path, content: Any) -> int:
        if list(out.glob("records/*/[!.]*")):  # room for one part
            plain(path, bytes(content)[:100])
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        return plain(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        with pytest.raises(rw.RoadworthyError) as caught:
            rw.evaluate(colour_net(), data, STRESSES, out=out)
    assert "No space left on device; what was finished before is kept" in str(caught.value)
    assert caught.value.exit_code == 1
    kept = {p: p.read_bytes() for p in out.glob("records/*/*")}
    assert len(kept) == 1
    _goes_on(out, data, tmp_path)
    assert rw.Run(out).runs[-1]["parts_written"] == 2
    assert {p: p.read_bytes() for p in kept} == kept


def test_a_file_that_may_not_grow_ends_with_a_sentence(tmp_path: Path) -> None:
    """A limit of the system itself, in a process of its own, through the command line."""
    write_pictures(tmp_path / "pictures", each=2)
    (tmp_path / "nets.py").write_text(
        "import torch\nclass Net(torch.nn.Module):\n"
        "    def forward(self, x):\n        return x.mean((2, 3))\n"
        "def net():\n    return Net()\n"
    )
    code = (
        "import resource, sys\n"
        "from roadworthy.cli import main\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000))\n"
        "main(sys.argv[1:])\n"
    )
    command = ["run", "-m", "torch:nets.py:net(size=16)", "-d", "imagefolder:pictures"]
    command += ["-s", "clean", "-o", "out", "--quiet"]
    ended = subprocess.run(
        [sys.executable, "-c", code, *command],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")},
    )
    assert ended.returncode == 1, ended.stderr
    assert "Traceback" not in ended.stderr
    assert "File too large; what was finished before is kept" in ended.stderr
    assert not list((tmp_path / "out").glob("records/*/*"))


def test_a_read_only_folder_is_refused_before_any_work(store: Store, monkeypatch: Any) -> None:
    write(store, 0, 2)

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "touch", refuse)
        with pytest.raises(rw.UsageError, match=r"output .*: Read-only file system"):
            Store.create(store.folder)
    assert len(Store.open(store.folder).parts()[0]) == 1


def test_a_folder_that_vanishes_is_not_made_anew(tmp_path: Path, monkeypatch: Any) -> None:
    out, data = tmp_path / "out", f"imagefolder:{write_pictures(tmp_path / 'pictures')}"
    plain = Store.write_part

    def then_gone(store: Store, *arguments: Any, **options: Any) -> Path:
        path = plain(store, *arguments, **options)
        shutil.rmtree(out)
        return path

    with monkeypatch.context() as patch:
        patch.setattr(Store, "write_part", then_gone)
        with pytest.raises(rw.RoadworthyError, match="its folder has vanished") as caught:
            rw.evaluate(colour_net(), data, STRESSES, out=out)
    assert caught.value.exit_code == 1
    assert not out.exists()
    _goes_on(out, data, tmp_path)


def test_an_image_deleted_half_way_is_a_failed_row(tmp_path: Path, monkeypatch: Any) -> None:
    pictures = write_pictures(tmp_path / "pictures")
    out, data = tmp_path / "out", f"imagefolder:{pictures}"
    victim = pictures / "red" / "3.png"
    content = victim.read_bytes()
    plain = Store.write_manifest

    def deleting(store: Store, *arguments: Any) -> str:
        victim.unlink(missing_ok=True)
        return plain(store, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(Store, "write_manifest", deleting)
        run = rw.evaluate(colour_net(), data, STRESSES, out=out)
    failed = run.rows().filter(pl.col("status") == "failed")
    assert failed["sample"].unique().to_list() == ["red/3.png"]
    assert len(failed) == 3
    assert "red/3.png" in failed["reason"][0]
    victim.write_bytes(content)
    rw.evaluate(colour_net(), data, STRESSES, out=out, retry_failed=True)
    assert rw.Run(out).runs[-1]["decodes"] == 1
    _goes_on(out, data, tmp_path)
