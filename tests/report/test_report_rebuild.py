"""Pictures of the gallery are what the model saw, to the bit; two runs are one page."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from engine_world import colour_net, write_pictures
from torch import Tensor, nn

import roadworthy as rw
from roadworthy.cli import _exit_code
from roadworthy.report.html import render
from roadworthy.report.opened import Opened, saved
from roadworthy.report.rebuild import rebuild
from roadworthy.report.thumbnail import difference
from roadworthy.report.together import Together
from roadworthy.types import Classes

STRESSES = (
    "gaussian_noise(severity=[1, 5])",
    "jpeg(quality=10)",
    "resizer(resize=opencv-nearest)",
    "translate(frames=4)",
    "precision(dtype=bf16)",
    "pgd(eps=32/255, steps=3)",
)


SEEN: list[Tensor] = []


class Remembering(nn.Module):
    """Keeps what it is shown, and is wrong about everything but clean pictures."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        if x.dtype == torch.float32:
            SEEN.extend(x.detach().clone())
        return 8 * self.scale * x.mean((2, 3))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> rw.Run:
    folder = tmp_path_factory.mktemp("rebuild")
    # two of three labels are wrong, so that every stress has confident errors to show
    pictures = write_pictures(folder / "pictures", each=3)
    for a, b in (("red", "x"), ("green", "red"), ("x", "green")):
        (pictures / a).rename(pictures / b)
    for path in pictures.glob("*/*.*"):  # what is not shown of a name still belongs to it
        path.rename(path.with_stem(f"{path.stem}\u202e"))
    data = f"imagefolder:{pictures}"
    judge = rw.wrap(
        Remembering(), size=16, name="seer", classes=Classes(3, ("blue", "green", "red"))
    )
    return rw.evaluate(judge, data, list(STRESSES), out=folder / "out", keep=True)


def test_every_picture_is_one_that_the_model_was_shown(run: rw.Run) -> None:
    shown = {np.rint(255 * x.numpy().transpose(1, 2, 0)).astype(np.uint8).tobytes() for x in SEEN}
    view = Opened(run)
    axes = set()
    for entry in view.summary["images"]:
        made = rebuild(view, entry)
        assert made.clean is not None, (entry, made.why)
        assert made.clean.tobytes() in shown
        if entry["stress"].startswith("precision"):
            assert made.stressed is None
            assert "the model is another" in made.why
        elif entry["axis"] not in ("clean", "adversarial"):
            assert made.stressed is not None, (entry, made.why)
            assert made.stressed.tobytes() in shown, entry
        axes.add(entry["axis"])
    assert {"clean", "corruption", "sequence", "systematic"} <= axes


def test_what_an_attack_found_is_shown_where_it_was_kept(run: rw.Run) -> None:
    view = Opened(run)
    entries = [e for e in view.summary["images"] if e["axis"] == "adversarial"]
    assert entries
    for entry in entries:
        made = rebuild(view, entry)
        assert made.clean is not None
        assert made.stressed is not None, made.why
        change = np.abs(made.stressed.astype(int) - made.clean).max()
        assert 0 < change <= 33
    gone = rebuild(view, {**entries[0], "artifact": None})
    assert gone.stressed is None
    assert "--keep" in gone.why


def test_another_seed_makes_another_picture(run: rw.Run) -> None:
    view = Opened(run)
    entry = next(e for e in view.summary["images"] if "gaussian_noise" in e["stress"])
    before = rebuild(view, entry).stressed
    view.runs[-1]["options"]["seed"] = 1
    try:
        after = rebuild(view, entry).stressed
    finally:
        view.runs[-1]["options"]["seed"] = 0
    assert before is not None
    assert after is not None
    assert (before != after).any()


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"sample": "gone.png"}, "no longer where it was"),
        ({"stress": "no_such_stress"}, "no_such_stress"),
        ({"variant": "severity=9"}, "no variant"),
        ({"pipeline": "pipeline(decoder=mine)", "clean_pipeline": None}, "mine"),
        ({"pipeline": ")", "clean_pipeline": ""}, "cannot be made again"),
    ],
)
def test_what_cannot_be_made_again_is_said(run: rw.Run, changes: dict[str, Any], why: str) -> None:
    view = Opened(run)
    entry = next(e for e in view.summary["images"] if "gaussian_noise" in e["stress"])
    made = rebuild(view, {**entry, **changes})
    assert made.stressed is None
    assert why in made.why


def test_a_difference_is_as_strong_as_it_can_be_shown() -> None:
    before = np.full((2, 2, 3), 100, np.uint8)
    after = before.copy()
    after[0, 0, 0], after[1, 1, 2] = 110, 95
    shown, factor = difference(before, after)
    assert factor == pytest.approx(12.7)
    assert shown[0, 0].tolist() == [255, 128, 128]
    assert shown[1, 1].tolist() == [128, 128, 64]
    same, _ = difference(before, before)
    assert (same == 128).all()


def test_a_summary_is_read_while_nothing_is_newer(run: rw.Run, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    shutil.copytree(run.folder, folder)
    path = folder / "summary.json"
    os.utime(path)
    marked = json.loads(path.read_text())
    marked["rows"][0]["value"] = 12.25
    path.write_text(json.dumps(marked))
    assert Opened(rw.Run(folder)).summary["rows"][0]["value"] == 12.25
    part = next(folder.glob("records/*/*.parquet"))
    os.utime(part)
    assert saved(folder) is None
    assert Opened(rw.Run(folder)).summary["rows"][0]["value"] != 12.25
    for broken in (
        "{",
        "[]",
        '{"rows": 3}',
        json.dumps({**marked, "run": {"roadworthy": "0.0.9"}}),
    ):
        path.write_text(broken)
        assert saved(folder) is None


def test_records_that_are_gone_leave_the_page_of_the_summary(run: rw.Run, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    shutil.copytree(run.folder, folder)
    for name in ("records", "artifacts"):
        shutil.rmtree(folder / name)
    (folder / "records").mkdir()
    os.utime(folder / "summary.json")
    text = render(rw.Run(folder))
    assert "There are no records" in text
    assert 'id="calibration"' in text
    assert "gaussian_noise(severity=[1, 5])" in text


def test_an_unfinished_run_is_said_with_what_goes_on(run: rw.Run, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    shutil.copytree(run.folder, folder)
    about = next(folder.glob("runs/*.json"))
    told = {k: v for k, v in json.loads(about.read_text()).items() if k != "finished"}
    about.write_text(json.dumps(told))
    noise = next(c for c in rw.Run(folder).cells if "gaussian_noise" in c.stress)
    for part in rw.Run(folder)._parts[noise.request]:
        part.path.unlink()
    (problem,) = Opened(rw.Run(folder)).problems
    assert "not finished: 9 images in 1 of 7 stresses" in problem
    assert "The same command goes on: " in problem
    assert problem[:30] in render(rw.Run(folder), images=0)


def test_damaged_and_foreign_files_are_named_counted_and_left_out(
    run: rw.Run, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    shutil.copytree(run.folder, folder)
    parts = sorted(folder.glob("records/*/*.parquet"))
    parts[0].write_bytes(parts[0].read_bytes()[:-20])
    (parts[1].parent / "foreign.parquet").write_bytes(b"hello")
    text = render(rw.Run(folder), images=0)
    assert "2 files are damaged, foreign or of another version and left out" in text
    assert "foreign.parquet" in text
    assert parts[0].name in text


def test_what_no_command_of_a_run_asked_for_is_named_and_left_out(
    run: rw.Run, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    shutil.copytree(run.folder, folder)
    assert Opened(rw.Run(folder)).problems == []
    path = next(folder.glob("runs/*.json"))
    about = json.loads(path.read_text())
    gone = about["cells"].pop()["request"]
    path.write_text(json.dumps(about))
    (problem,) = Opened(rw.Run(folder)).problems
    name = run._parts[gone][0].path.name
    assert problem.startswith("1 file is of another run and left out: records/")
    assert name in problem


def test_a_later_command_on_fewer_images_is_said_with_the_one_that_shows_all(
    run: rw.Run, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    shutil.copytree(run.folder, folder)
    data = run.runs[0]["data"][0]["spec"]
    judge = rw.wrap(
        Remembering(), size=16, name="seer", classes=Classes(3, ("blue", "green", "red"))
    )
    less = rw.evaluate(judge, data, ["jpeg(quality=10)"], out=folder, limit=4)
    (problem,) = Opened(less).problems
    assert problem.startswith("Of clean and 1 more 4 of 9 judged images count, since the newest")
    assert "This shows all again" in problem


def test_two_runs_are_one_page_in_which_their_models_are_told_apart(
    run: rw.Run, tmp_path: Path
) -> None:
    data = run.runs[0]["data"][0]["spec"]
    other = rw.evaluate(
        colour_net(), data, ["gaussian_noise(severity=[1, 5])"], out=tmp_path / "second"
    )
    both = Together([Opened(run), Opened(other)])
    models = [model["spec"] for model in both.summary["run"]["models"]]
    assert len(models) == 2
    assert len(both.summary["rows"]) == len(run.summary["rows"]) + len(other.summary["rows"])
    text = render(both)
    for words in ("Leaderboard", "2 models", *models):
        assert words in text
    assert both.class_name(models[1], 0) == "red"
    assert both.class_name(models[0], 0) == "blue"


def test_a_run_given_twice_is_one_run_and_judged_otherwise_two_models(
    run: rw.Run, tmp_path: Path
) -> None:
    same = Together([Opened(run), Opened(run)])
    assert same.summary["rows"] == json.loads(json.dumps(run.summary["rows"]))
    data = run.runs[0]["data"][0]["spec"]
    net = colour_net()
    folders = [tmp_path / "a", tmp_path / "b"]
    first = rw.evaluate(net, data, ["clean"], out=folders[0])
    second = rw.evaluate(net, data, ["clean"], out=folders[1], limit=4)
    both = Together([Opened(first), Opened(second)])
    spec = first.runs[0]["models"][0]["spec"]
    names = [model["spec"] for model in both.summary["run"]["models"]]
    assert names == [f"{spec} (a)", f"{spec} (b)"]
    assert {row["model"] for row in both.summary["rows"]} == set(names)
    assert both.class_name(names[1], 0) == first.class_name(spec, 0)
    assert both.rows()["model"].unique().sort().to_list() == names


def test_the_command_takes_several_folders(
    run: rw.Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "page.html"
    again = tmp_path / "again"
    shutil.copytree(run.folder, again)
    assert _exit_code(["report", str(run.folder), str(again), "-o", str(out)]) == 0
    assert capsys.readouterr().out.strip() == str(out)
    assert out.stat().st_size < 5_000_000
    assert _exit_code(["report", str(tmp_path / "nothing")]) == 2
    assert "is no roadworthy run" in capsys.readouterr().err
