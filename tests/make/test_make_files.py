"""`make`: layouts, pixels, resuming, and what it refuses."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from make_world import bytes_of, folder_of_images, independent_reader
from PIL import Image as Pillow

from roadworthy import RoadworthyError, UsageError, make
from roadworthy import open as open_data
from roadworthy.engine import files
from roadworthy.pipeline.base import Pipeline, run
from roadworthy.stores import store
from roadworthy.stress.apply import corrupted
from roadworthy.stress.bound import stress

SUBSET = ("gaussian_noise(severity=[1, 4])", "brightness(severity=3)")


@pytest.fixture
def data(tmp_path: Path) -> str:
    return f"imagefolder:{folder_of_images(tmp_path / 'val')}"


def test_layout_checksums_and_pixels_are_those_of_a_run(data: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    made = make(SUBSET, data, out, frame="tiny", seed=3)
    pictures = independent_reader(out)
    assert made.written == len(pictures) == 12
    assert "gaussian_noise/4/n00000001/11.png" in pictures
    one, dataset = stress(SUBSET[0]), open_data(data)
    for sample in dataset.samples:
        frame = run(dataset.read(sample), Pipeline(size=(64, 64), geometry="squash"), name="x")
        for setting in one.settings:
            expected = corrupted(one, setting, frame, sample=sample.id, seed=3)
            file = f"gaussian_noise/{setting.arguments['severity']}/{sample.id}"
            assert np.array_equal(pictures[file], expected)


def test_jpeg_files_are_what_the_store_gives_and_stored_once_only(
    data: str, tmp_path: Path
) -> None:
    text = "brightness(severity=2, store=jpeg(quality=85), frame=tiny)"
    make(text, data, tmp_path / "out")
    pictures = independent_reader(tmp_path / "out")
    assert set(pictures) == {
        f"brightness/2/n0000000{i // 2}/{i // 2}{i % 2}.JPEG" for i in range(4)
    }
    one, dataset = replace(stress(text), store=None), open_data(data)
    sample = dataset.samples[0]
    frame = run(dataset.read(sample), Pipeline(size=(64, 64), geometry="squash"), name="x")
    plain = corrupted(one, one.settings[0], frame, sample=sample.id, seed=0)
    assert np.array_equal(pictures["brightness/2/n00000000/00.JPEG"], store("jpeg").frame(plain))


def test_two_processes_write_the_same_bytes_as_one(data: str, tmp_path: Path) -> None:
    several = (*SUBSET, "contrast(severity=5, store=jpeg(quality=10))")
    make(several, data, tmp_path / "one", frame="tiny", store="png")
    make(several, data, tmp_path / "two", frame="tiny", store="png", jobs=2)
    assert bytes_of(tmp_path / "one") == bytes_of(tmp_path / "two")


def test_again_makes_only_what_is_missing_or_damaged(data: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    make(SUBSET, data, out, frame="tiny")
    before = bytes_of(out)
    victim, gone = out / "brightness/3/n00000000/00.png", out / "brightness/3/n00000000/01.png"
    victim.write_bytes(victim.read_bytes()[:-1] + b"\0")
    gone.unlink()
    (victim.parent / ".tmp-999999999-half.png").write_bytes(b"half")
    stamp = (out / "brightness/3/n00000001/11.png").stat().st_mtime_ns
    made = make(SUBSET, data, out, frame="tiny")
    assert (made.written, made.kept) == (2, 10)
    assert bytes_of(out) == before
    assert (out / "brightness/3/n00000001/11.png").stat().st_mtime_ns == stamp


def test_a_changed_image_is_made_again_and_a_torn_manifest_is_mended(
    data: str, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    make(SUBSET, data, out, frame="tiny")
    Pillow.new("RGB", (50, 50), "red").save(tmp_path / "val/n00000000/00.png")
    assert make(SUBSET, data, out, frame="tiny").written == 3
    manifest = out / "manifest.jsonl"
    manifest.write_bytes(manifest.read_bytes()[:-40])
    assert make(SUBSET, data, out, frame="tiny").written == 1
    independent_reader(out)


def test_a_prefix_grows_and_other_stresses_join(data: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert make("contrast(severity=1)", data, out, limit=1).written == 1
    assert make("contrast(severity=1)", data, out).kept == 1
    assert make("brightness(severity=1)", data, out).written == 4
    assert len(independent_reader(out)) == 8


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"seed": 1}, "was made with seed 0, not 1"),
        ({"frame": "tiny"}, "made otherwise"),
        ({"store": "jpeg"}, "made otherwise"),
    ],
)
def test_the_folder_of_another_make_is_refused(
    data: str, tmp_path: Path, options: dict[str, object], said: str
) -> None:
    out = tmp_path / "out"
    make("contrast(severity=1)", data, out, limit=1)
    before = bytes_of(out)
    with pytest.raises(UsageError, match=said):
        make("contrast(severity=1)", data, out, limit=1, **options)  # type: ignore[arg-type]
    assert bytes_of(out) == before


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("jpeg(quality=30)", "makes no picture"),
        ("brightness(store=mp4)", "is no sequence"),
        ("translate(difficulty=1)", "keep it as mp4 or npy, not png"),
        ("brightnes", "did you mean 'brightness'"),
    ],
)
def test_what_cannot_be_made_is_refused_before_anything_is_written(
    data: str, tmp_path: Path, what: str, said: str
) -> None:
    given = "png" if what.startswith("translate") else None
    with pytest.raises(UsageError, match=said):
        make(what, data, tmp_path / "out", store=given)
    assert not (tmp_path / "out").exists()


def test_foreign_folders_and_files_are_refused(data: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not empty"):
        make("contrast", data, tmp_path / "val")
    with pytest.raises(UsageError, match="is a file"):
        make("contrast", data, tmp_path / "val/n00000000/00.png")
    with pytest.raises(UsageError, match="cannot write to output"):
        make("contrast", data, Path("/proc/nowhere/out"))
    with pytest.raises(UsageError, match="jobs is 1 or more"):
        make("contrast", data, tmp_path / "out", jobs=0)
    with pytest.raises(UsageError, match="limit is 1 or more"):
        make("contrast", data, tmp_path / "out", limit=0)
    with pytest.raises(UsageError, match="writes no files"):
        make("contrast", data, tmp_path / "out", store="none")


def test_a_broken_image_is_reported_and_the_others_are_written(data: str, tmp_path: Path) -> None:
    (tmp_path / "val/n00000000/00.png").write_bytes(b"not a picture")
    made = make("contrast(severity=1)", data, tmp_path / "out")
    assert (made.written, list(made.failures)) == (3, ["n00000000/00.png"])
    failed = json.loads((tmp_path / "out/failures.jsonl").read_text())
    assert failed["sample"] == "n00000000/00.png"


def test_a_full_disk_is_named_and_what_was_made_is_kept(
    data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = files.write_whole, []

    def full(path: Path, content: bytes) -> None:
        calls.append(path)
        if len(calls) > 2:
            raise RoadworthyError(f"cannot write '{path}': No space left on device")
        real(path, content)

    monkeypatch.setattr("roadworthy.making.worker.write_whole", full)
    with pytest.raises(RoadworthyError, match="No space left"):
        make("contrast(severity=1)", data, tmp_path / "out")
    monkeypatch.undo()
    assert make("contrast(severity=1)", data, tmp_path / "out").written >= 1
    assert len(independent_reader(tmp_path / "out")) == 4


def test_names_that_meet_are_told_apart(tmp_path: Path) -> None:
    root = folder_of_images(tmp_path / "val", each=1)
    for name in ("00.jpg", "00.bmp"):
        Pillow.open(root / "n00000000/00.png").save(root / "n00000000" / name)
    made = make("contrast(severity=1)", f"imagefolder:{root}", tmp_path / "out")
    assert made.written == len(independent_reader(tmp_path / "out")) == 4


def test_ctrl_c_ends_with_130_and_the_same_command_goes_on(data: str, tmp_path: Path) -> None:
    folder_of_images(tmp_path / "many", classes=4, each=30)
    out = tmp_path / "out"
    command = [
        sys.executable,
        "-m",
        "roadworthy",
        "make",
        "elastic_transform",
        "--quiet",
        "-j",
        "2",
    ]
    command += ["-d", f"imagefolder:{tmp_path / 'many'}", "-o", str(out)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 30
    while not list(out.glob("*/*/*/*.png")) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130, said
    assert "Traceback" not in said
    limited = make(
        "elastic_transform(severity=1)", f"imagefolder:{tmp_path / 'many'}", out, limit=4
    )
    assert limited.written + limited.kept == 4
