"""`roadworthy verify` and `--retry-failed`: what reproduces, what does not, and failed samples again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from PIL import Image

import roadworthy as rw
from roadworthy.engine.compact import compact
from roadworthy.engine.parts import sealed
from roadworthy.engine.store import Store

MODEL = "torch:nets.py:colours(size=16)"
DATA = "imagefolder:pictures"
STRESSES = ("gaussian_noise(severity=[1, 5])", "jpeg(quality=30)", "pgd(eps=4/255, steps=3)")
Call = Callable[..., Any]


def _run(call: Call, *more: object) -> Any:
    stresses = [x for s in STRESSES for x in ("-s", s)]
    return call("run", "-m", MODEL, "-d", DATA, *stresses, "-o", "out", "--quiet", *more)


@pytest.fixture
def finished(call: Call, world: Path) -> Path:
    assert _run(call).code == 0
    return world / "out"


def _forge(out: Path, stress: str, **changes: pl.Expr) -> None:
    """Change values of a part and seal it again, as somebody who knows how could."""
    for part in Store.open(out).parts()[0]:
        if part.footer["stress"] == stress:
            rows = pl.read_parquet(part.path).with_columns(**changes)
            about = {k: v for k, v in part.footer.items() if k != "crc32"}
            part.path.write_bytes(sealed(rows, about))


def test_everything_reproduces_also_from_another_folder(
    call: Call, finished: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: Any
) -> None:
    before = {p: p.read_bytes() for p in finished.rglob("*") if p.is_file()}
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    ended = call("verify", finished, "-k", "60")
    assert ended.code == 0, ended.out
    assert "4 files of records have the checksum" in ended.out
    assert "60 of 60 rows that were judged again reproduce" in ended.out
    assert {p: p.read_bytes() for p in finished.rglob("*") if p.is_file()} == before


def test_a_forged_row_is_named_with_both_values(call: Call, finished: Path) -> None:
    _forge(finished, "jpeg(quality=30)", conf=pl.col("conf") + pl.lit(0.01, pl.Float32))
    ended = call("verify", "out", "-k", "60", "--json")
    assert ended.code == 4
    found = json.loads(ended.out)
    assert found["damaged"] == []
    assert {(d["stress"], d["column"]) for d in found["differences"]} == {
        ("jpeg(quality=30)", "conf")
    }
    assert len(found["differences"]) == 12
    first = found["differences"][0]
    assert first["recorded"] - first["again"] == pytest.approx(0.01, abs=1e-4)
    text = call("verify", "out", "-k", "60")
    assert 'differs: "' in text.out
    assert "48 of 60 rows that were judged again reproduce" in text.out


def test_a_flipped_verdict_is_a_difference(call: Call, finished: Path) -> None:
    _forge(finished, "clean", correct=~pl.col("correct"))
    found = json.loads(call("verify", "out", "-k", "60", "--json").out)
    assert {d["column"] for d in found["differences"]} == {"correct"}


def test_damage_is_found_even_where_no_row_is_drawn(call: Call, finished: Path) -> None:
    path = sorted(finished.glob("records/*/*.parquet"))[0]
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 4
    path.write_bytes(data)
    ended = call("verify", "out", "-k", "0")
    assert ended.code == 4
    assert f"damaged: out/{path.relative_to(finished)}" in ended.out


@pytest.mark.parametrize("joined", [False, True])
def test_records_that_are_gone_are_missed(call: Call, finished: Path, joined: bool) -> None:
    gone = next(p for p in Store.open(finished).parts()[0] if "jpeg" in p.footer["stress"])
    if joined:
        # The images in two parts, then in one file, which is the one that goes.
        gone.path.unlink()
        assert _run(call, "--limit", "5").code == 0
        assert _run(call).code == 0
        store = Store.open(finished)
        compact(store, [gone.request], most=1)
        gone = next(p for p in store.parts()[0] if p.request == gone.request)
        assert len(gone.keys) == 2
        assert call("verify", "out", "-k", "0").code == 0
    gone.path.unlink()
    ended = call("verify", "out", "-k", "0")
    assert ended.code == 4
    assert ended.out.count("gone") == 1
    assert "damaged: records of jpeg(quality=30) on torch:nets.py:colours" in ended.out
    assert "gone; those of 0 of 12 images are left" in ended.out
    assert _run(call).code == 0
    assert call("verify", "out", "-k", "0").code == 0


def test_what_was_never_judged_is_not_missed(
    call: Call, world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = Store.write_part

    def once(store: Store, *given: Any, **named: Any) -> Path:
        if list(store.folder.glob("records/*/*")):
            raise KeyboardInterrupt
        return plain(store, *given, **named)

    with monkeypatch.context() as patch:
        patch.setattr(Store, "write_part", once)
        assert _run(call).code == 130
    assert len(rw.Run("out").unfinished) == 3
    assert call("verify", "out", "-k", "0").code == 0


def test_a_changed_image_and_a_changed_model_do_not_reproduce(call: Call, finished: Path) -> None:
    Image.new("RGB", (24, 20), (0, 0, 255)).save("pictures/0/1.png")
    found = json.loads(call("verify", "out", "-k", "60", "--json").out)
    assert {(d["sample"], d["column"]) for d in found["differences"]} == {("0/1.png", "content")}
    nets = Path("nets.py")
    nets.write_text(nets.read_text().replace("tensor(8.0)", "tensor(7.0)"))
    found = json.loads(call("verify", "out", "-k", "60", "--json").out)
    assert "model_id" in {d["column"] for d in found["differences"]}


def test_no_run_is_a_usage_error(call: Call, world: Path) -> None:
    assert call("verify", "pictures").code == 2
    (world / "empty" / "runs").mkdir(parents=True)
    ended = call("verify", "empty")
    assert ended.code == 2
    assert "no run to verify" in ended.err
    assert call("verify", "empty", "-k", "-1").code == 2


def test_live_models_are_said_to_be_unchecked(call: Call, finished: Path) -> None:
    for path in finished.glob("runs/*.json"):
        path.write_text(path.read_text().replace(MODEL, "mine"))
    ended = call("verify", "out")
    assert ended.code == 0
    assert "not checked: clean by mine" in ended.out
    assert "0 of 0 rows" in ended.out


def test_failed_samples_are_judged_again_only_when_asked(call: Call, world: Path) -> None:
    large = world / "pictures" / "0" / "9.png"
    pixels = np.random.default_rng(1).integers(60, 160, (20, 24, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(large)
    # The same bytes fail or not: the bound on pixels is what changes between the runs.
    for other in world.glob("pictures/*/*.png"):
        if other != large:
            small = Image.open(other).resize((20, 16))
            small.save(other)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROADWORTHY_MAX_PIXELS", "400")
        assert _run(call).code == 3
    assert _run(call).code == 3
    assert rw.Run("out").runs[-1]["decodes"] == 0
    assert _run(call, "--retry-failed").code == 0
    assert rw.Run("out").runs[-1]["decodes"] == 1
    rows = rw.Run("out").rows()
    assert "failed" not in set(rows["status"])
    assert len(rows) == 13 * 5
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROADWORTHY_MAX_PIXELS", "1")
        assert _run(call, "--retry-failed").code == 0  # nothing had failed: nothing is judged
