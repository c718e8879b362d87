"""``--transfer``, ``--adapt``, ``--keep`` and what ``verify`` says of kept adversarials."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import roadworthy as rw
from roadworthy.engine.adversarials import sealed
from roadworthy.engine.artifacts import Artifact, Artifacts

ONE, TWO = "torch:nets.py:colours(size=16)", "torch:more.py:tinted(size=16)"
ATTACK = "pgd(eps=16/255, steps=3)"
JOB = ("run", "-d", "imagefolder:pictures", "-s", ATTACK, "-m", ONE, "-m", TWO, "--quiet")
Call = Callable[..., Any]

MORE = """
import torch
from nets import Colours


class Tinted(Colours):
    def forward(self, x):
        z = super().forward(x)
        return z + 0.5 * z.roll(1, dims=1) - 0.3 * z.roll(2, dims=1)


def tinted():
    return Tinted()


def four():
    class Four(Colours):
        def forward(self, x):
            return torch.nn.functional.pad(super().forward(x), (0, 1))

    return Four()
"""


@pytest.fixture
def nets(world: Path) -> Path:
    text = (world / "nets.py").read_text()
    (world / "more.py").write_text(text + MORE.replace("from nets import Colours\n", ""))
    return world


def _rows(folder: Path) -> pl.DataFrame:
    rows = rw.Run(folder).rows().filter(pl.col("norm").is_not_null())
    return rows.select("source", "model", "sample", "status", "success", "pred", "linf").sort(
        "source", "model", "sample"
    )


def test_a_matrix_is_printed_and_on_the_page(nets: Path, call: Call) -> None:
    ended = call(*JOB, "--transfer", "-o", "out")
    assert ended.code == 0, ended.err
    assert f"{ATTACK}: transfer rate, %" in ended.out
    assert "source \\ judge" in ended.out
    assert "made on" not in ended.out
    assert call("report", "out").code == 0
    page = (nets / "out" / "report.html").read_text(encoding="utf-8")
    section = page.partition('<section id="transfer"')[2].partition("</section>")[0]
    assert section.count("<tr>") == 1 + 2 + 1
    about = json.loads(next((nets / "out" / "runs").glob("*.json")).read_text())
    assert list(about["crafted"]) == [ONE, TWO]
    assert min(about["crafted"].values()) > 0


def test_processes_and_run_files_come_to_the_same(nets: Path, call: Call) -> None:
    assert call(*JOB, "--transfer", "--batch-size", 8, "-o", "serial").code == 0
    Path("run.yaml").write_text("transfer: true\nexecutor: processes\n", encoding="utf-8")
    assert call(*JOB, "-c", "run.yaml", "--batch-size", 8, "-o", "spread").code == 0
    assert _rows(nets / "serial").equals(_rows(nets / "spread"))
    serial, spread = (rw.Run(nets / name).runs[-1]["crafted"] for name in ("serial", "spread"))
    assert serial == spread


def test_a_dry_run_says_what_would_be_kept(nets: Path, call: Call) -> None:
    ended = call(*JOB, "--transfer", "--dry-run")
    assert ended.code == 0
    # 12 pictures, 2 sources, 3 x 16 x 16 numbers of four bytes
    assert "adversarials kept in artifacts/: at most 0.1 MB" in ended.out
    assert f"{ONE} (made on {TWO})" in ended.out
    found = json.loads(call(*JOB, "--transfer", "--dry-run", "--json").out)
    assert sum(cell["kept"] for cell in found["cells"]) == 12 * 2 * 3 * 16 * 16 * 4
    others = [cell for cell in found["cells"] if cell["source"]]
    assert [(c["forwards"], c["backwards"]) for c in others] == [(2, 0)] * 2


def test_what_cannot_be_asked_for(nets: Path, call: Call) -> None:
    four = "torch:more.py:four(size=16)"
    ended = call(*JOB, "-m", four, "--transfer", "-o", "out")
    assert ended.code == 2
    assert ONE in ended.err
    assert four in ended.err
    assert not list((nets / "out").glob("runs/*.json"))
    ended = call(*JOB, "--adapt", "pad_crop", "-o", "out")
    assert ended.code == 2
    assert "add transfer" in ended.err
    alone = ("run", "-d", "imagefolder:pictures", "-s", ATTACK, "-m", ONE, "--quiet")
    ended = call(*alone, "--transfer", "-o", "one")
    assert ended.code == 0
    assert "transfer with one model" in ended.err


def _forge(file: Artifact) -> None:
    """Change a file of adversarials and seal it again, as somebody who knows how could."""
    (made,) = file.read().values()
    about = {k: v for k, v in file.about.items() if k != "crc32"}
    file.path.write_bytes(sealed([1.0 - made.x], about))


def test_kept_adversarials_are_judged_again(nets: Path, call: Call) -> None:
    assert call(*JOB, "--transfer", "-o", "out").code == 0
    before = {p: p.read_bytes() for p in (nets / "out").rglob("*") if p.is_file()}
    ended = call("verify", "out", "-k", "100")
    assert ended.code == 0, ended.out
    assert "2 files of what models made have theirs, too" in ended.out
    assert "72 of 72 rows that were judged again reproduce" in ended.out
    assert {p: p.read_bytes() for p in (nets / "out").rglob("*") if p.is_file()} == before
    kept = Artifacts(nets / "out")
    (file,) = kept.files(kept.craftings()[0])[0]
    _forge(file)
    ended = call("verify", "out", "-k", "100", "--json")
    assert ended.code == 4
    found = json.loads(ended.out)
    assert not found["damaged"]
    assert {"pred", "linf"} & {d["column"] for d in found["differences"]}
    data = file.path.read_bytes()
    file.path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    found = json.loads(call("verify", "out", "-k", "100", "--json").out)
    assert file.path.name in " ".join(found["damaged"])
    assert not found["differences"]
    file.path.unlink()
    found = json.loads(call("verify", "out", "-k", "100", "--json").out)
    assert len([line for line in found["damaged"] if line.endswith(": gone")]) == 2


def test_frames_of_their_own_are_verified_as_well(nets: Path, call: Call) -> None:
    job = [a.replace("tinted(size=16)", "tinted(size=10)") for a in JOB]
    for adapt in ("resize", "pad_crop"):
        out = ("-o", adapt)
        assert call(*job, "--transfer", "--adapt", adapt, *out).code == 0
        ended = call("verify", adapt, "-k", "200")
        assert ended.code == 0, ended.out
        rows = 12 * (2 + (1 if adapt == "resize" else 2) + 4)
        assert f"{rows} of {rows} rows" in ended.out
