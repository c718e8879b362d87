"""Adversarials made once a source and judged by all: what is made, kept, judged, and not made again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from engine_world import COLOURS
from transfer_world import ATTACK, attacked, crafted, pictures, right, tinted_net

import roadworthy as rw
from roadworthy.engine.adapt import pad_crop
from roadworthy.engine.adversarials import Made
from roadworthy.engine.artifacts import Artifacts
from roadworthy.engine.live import Quiet
from roadworthy.errors import UsageError
from roadworthy.models.silent import Silent
from roadworthy.pipeline.base import run as prepared
from roadworthy.types import Classes, Classifier


def _names(run: rw.Run) -> list[str]:
    return [str(entry["spec"]) for entry in run.models()]


def test_the_diagonal_is_the_white_box_bit_for_bit_and_crafting_is_done_once_a_source(
    tmp_path: Path,
) -> None:
    data, nets = pictures(tmp_path), [tinted_net(seed) for seed in (1, 2, 3)]
    alone = rw.evaluate(nets, data, ATTACK, out=tmp_path / "alone", batch_size=8)
    matrix = rw.evaluate(nets, data, ATTACK, out=tmp_path / "all", batch_size=8, transfer=True)
    every, own = attacked(matrix), pl.col("source") == pl.col("model")
    assert every.filter(own).equals(attacked(alone))
    assert every.group_by("source", "model").len().height == 9
    assert crafted(matrix) == [right(alone, name) for name in _names(alone)]
    assert crafted(alone) == []
    others = every.filter(~own)
    assert others["forwards"].null_count() == others["flags"].null_count() == len(others)
    tried = others.filter(pl.col("success").is_not_null())
    assert (tried["success"] == (tried["pred"] != tried["label"])).all()
    assert set(tried["status"]) == {"ok"}
    assert 0 < tried["success"].sum() < len(tried)


def test_verdicts_of_others_are_those_of_the_inputs_that_are_kept(tmp_path: Path) -> None:
    data, nets = pictures(tmp_path), [tinted_net(seed) for seed in (1, 2)]
    run = rw.evaluate(nets, data, ATTACK, out=tmp_path / "all", batch_size=8, transfer=True)
    rows = run.rows().filter(pl.col("norm").is_not_null())
    kept, checked = Artifacts(run.folder), 0
    by_name = dict(zip(_names(run), nets, strict=True))
    for row in rows.iter_rows(named=True):
        _, crafting, _ = row["artifact"].split("/")
        file = kept.held(crafting)[row["sample"], row["content"]]
        made = kept.read(file)[row["variant"]].at(file.rows[row["sample"], row["content"]])
        if len(made.x):
            with torch.no_grad():
                logits = by_name[row["model"]].logits(torch.from_numpy(made.x))[0]
            assert int(logits.argmax()) == row["pred"]
            assert float(logits.softmax(0).max()) == pytest.approx(row["conf"], rel=1e-4)
            checked += row["source"] != row["model"]
    assert checked == sum(crafted(run))


def test_a_new_judge_only_judges_and_sees_what_it_would_have_seen(tmp_path: Path) -> None:
    data, nets = pictures(tmp_path), [tinted_net(seed) for seed in (1, 2, 3)]
    rw.evaluate(nets[:2], data, ATTACK, out=tmp_path / "grown", batch_size=8, transfer=True)
    grown = rw.evaluate(nets, data, ATTACK, out=tmp_path / "grown", batch_size=8, transfer=True)
    at_once = rw.evaluate(nets, data, ATTACK, out=tmp_path / "once", batch_size=8, transfer=True)
    assert crafted(grown)[:2] == [0, 0]
    assert crafted(grown)[2] == crafted(at_once)[2] > 0
    # clean of the new one, what it makes of three sources, and two judges of what it is a source of
    assert grown.runs[-1]["parts_written"] == 1 + 3 + 2
    assert attacked(grown).equals(attacked(at_once))
    again = rw.evaluate(nets, data, ATTACK, out=tmp_path / "grown", batch_size=8, transfer=True)
    assert (crafted(again), again.runs[-1]["parts_written"]) == ([0, 0, 0], 0)


def test_a_batch_may_be_kept_in_part(tmp_path: Path) -> None:
    data, nets = pictures(tmp_path), [tinted_net(seed) for seed in (1, 2)]
    # The new judge comes first: what it faces is partly there and partly made for it.
    rw.evaluate(nets[1], data, ATTACK, out=tmp_path / "grown", limit=7, keep=True)
    grown = rw.evaluate(nets, data, ATTACK, out=tmp_path / "grown", limit=16, transfer=True)
    once = rw.evaluate(nets, data, ATTACK, out=tmp_path / "once", limit=16, transfer=True)
    columns = ["source", "model", "sample", "status", "success", "pred", "linf", "forwards"]
    assert attacked(grown).select(columns).equals(attacked(once).select(columns))
    assert 0 < crafted(grown)[1] < crafted(once)[1]


def test_what_an_ordinary_run_keeps_is_handed_on_without_crafting(tmp_path: Path) -> None:
    data, nets = pictures(tmp_path), [tinted_net(seed) for seed in (1, 2)]
    kept = rw.evaluate(nets, data, ATTACK, out=tmp_path / "out", batch_size=8, keep=True)
    assert min(crafted(kept)) > 0
    assert attacked(kept).height == 2 * 18
    run = rw.evaluate(nets, data, ATTACK, out=tmp_path / "out", batch_size=8, transfer=True)
    assert crafted(run) == [0, 0]
    assert attacked(run).height == 4 * 18


def test_a_source_that_does_nothing_gives_the_clean_error_and_a_warning(tmp_path: Path) -> None:
    nets = [tinted_net(seed) for seed in (1, 2)]
    stress = "fgsm(eps=0.0)"
    run = rw.evaluate(nets, pictures(tmp_path), stress, out=tmp_path / "out", transfer=True)
    summary = run.summary
    top1 = {
        (row["model"], row["stress"], row["source"]): row["value"]
        for row in summary["rows"]
        if row["metric"] == "top1"
    }
    for judge in _names(run):
        for source in _names(run):
            assert top1[judge, stress, source] == top1[judge, "clean", None]
    rates = [row["value"] for row in summary["rows"] if row["metric"] == "transfer_rate"]
    assert rates == [0.0] * 4
    warned = [entry["model"] for entry in summary["run"]["warnings"]]
    assert warned == _names(run)


def test_judges_are_aimed_where_the_source_was(tmp_path: Path) -> None:
    nets = [tinted_net(seed) for seed in (1, 2)]
    stresses = ["pgd(eps=12/255, steps=4, target=second)", "fmn(norm=L2, steps=8)"]
    run = rw.evaluate(nets, pictures(tmp_path), stresses, out=tmp_path / "out", transfer=True)
    smallest, aimed = sorted(set(attacked(run)["stress"]))
    rows = attacked(run).filter(pl.col("stress") == aimed)
    own = rows.filter((pl.col("source") == pl.col("model")) & pl.col("success").is_not_null())
    pairs = own.join(rows, on=["source", "sample"]).filter(pl.col("success_right").is_not_null())
    assert pairs["model_right"].n_unique() == 2
    assert (pairs["target"] == pairs["target_right"]).all()
    assert (pairs["success_right"] == (pairs["pred_right"] == pairs["target"])).all()
    assert 0 < pairs["success_right"].sum() < len(pairs)
    metrics = {(r["stress"], r["metric"]) for r in run.summary["rows"] if r["source"] != r["model"]}
    assert (aimed, "transfer_rate_top5") in metrics
    # A smallest change that was found for another model has no budget to be robust in.
    assert (smallest, "transfer_rate") in metrics
    assert (smallest, "robust_top1") not in metrics
    assert not {name for _, name in metrics if "median" in name}


def test_the_same_model_twice_gives_the_same_everywhere(tmp_path: Path) -> None:
    nets = [tinted_net(1, name="a"), tinted_net(1, name="b")]
    run = rw.evaluate(nets, pictures(tmp_path), ATTACK, out=tmp_path / "out", transfer=True)
    rows = attacked(run)
    assert rows["success"].sum()
    verdicts = ["sample", "status", "success", "pred", "margin", "conf", "linf", "ok8"]
    groups = [part.select(verdicts) for part in rows.partition_by("source", "model")]
    assert len(groups) == 4
    assert all(one.equals(groups[0]) for one in groups)


@pytest.mark.parametrize("gone", [True, False])
def test_a_damaged_or_missing_file_is_made_again(tmp_path: Path, gone: bool) -> None:
    data, nets = pictures(tmp_path), [tinted_net(seed) for seed in (1, 2)]
    before = rw.evaluate(nets, data, ATTACK, out=tmp_path / "out", batch_size=8, transfer=True)
    rows = attacked(before)
    path = sorted(before.folder.glob("artifacts/*/*.safetensors"))[0]
    data_before = path.read_bytes()
    if gone:
        path.unlink()
    else:
        path.write_bytes(data_before[:-9] + bytes([data_before[-9] ^ 1]) + data_before[-8:])
    after = rw.evaluate(nets, data, ATTACK, out=tmp_path / "out", batch_size=8, transfer=True)
    assert sorted(crafted(after))[0] == 0 < sorted(crafted(after))[1]
    assert len(after.runs[-1]["damaged"]) == (not gone)
    assert attacked(after).equals(rows)
    again = Artifacts(after.folder)
    held = again.held(path.parent.name)
    assert len(held) == 18
    assert crafted(rw.evaluate(nets, data, ATTACK, out=tmp_path / "out", transfer=True)) == [0, 0]


class Stopping(Quiet):
    """Interrupts when the records of ``after`` batches have been seen."""

    def __init__(self, after: int) -> None:
        self.left = after

    def judged(self, cell: Any, rows: pl.DataFrame) -> None:
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt


def test_limits_that_grow_and_interruptions_come_to_the_same_and_nothing_is_made_twice(
    tmp_path: Path,
) -> None:
    data, nets = pictures(tmp_path, each=8), [tinted_net(seed) for seed in (1, 2)]
    total = [0, 0]
    for limit in range(2, 24, 2):
        run = rw.evaluate(nets, data, ATTACK, out=tmp_path / "out", limit=limit, transfer=True)
        total = [a + b for a, b in zip(total, crafted(run), strict=True)]
    # More than eight parts of a request were joined.
    assert len(list((tmp_path / "out" / "records").glob("*/*.parquet"))) < 6 * 11
    with pytest.raises(KeyboardInterrupt):
        rw.evaluate(nets, data, ATTACK, out=tmp_path / "out", transfer=True, watcher=Stopping(4))
    total = [a + b for a, b in zip(total, crafted(rw.Run(tmp_path / "out")), strict=True)]
    run = rw.evaluate(nets, data, ATTACK, out=tmp_path / "out", transfer=True)
    total = [a + b for a, b in zip(total, crafted(run), strict=True)]
    once = rw.evaluate(nets, data, ATTACK, out=tmp_path / "once", transfer=True)
    columns = ["source", "model", "sample", "status", "success", "pred"]
    assert attacked(run).select(columns).equals(attacked(once).select(columns))
    # What was in memory when the interruption came was kept, though its part was not finished.
    assert crafted(once) == total


def test_larger_judges_pad_with_grey_and_smaller_ones_crop_the_middle() -> None:
    x = torch.rand(2, 3, 5, 8, generator=torch.Generator().manual_seed(0), requires_grad=True)
    made = pad_crop(x, (8, 5))
    assert made.shape == (2, 3, 8, 5)
    by_hand = np.full((2, 3, 8, 5), 0.5, np.float32)
    by_hand[:, :, 1:6] = x.detach().numpy()[:, :, :, 1:6]
    assert np.array_equal(made.detach().numpy(), by_hand)
    made.sum().backward()
    assert x.grad is not None
    assert x.grad.sum() == 2 * 3 * 5 * 5
    assert pad_crop(x, (5, 8)).equal(x)


@pytest.mark.parametrize("adapt", ["resize", "pad_crop"])
def test_frames_are_the_first_models_or_each_sources_own(tmp_path: Path, adapt: Any) -> None:
    nets = [tinted_net(1), tinted_net(2, size=10)]
    run = rw.evaluate(
        nets, pictures(tmp_path), ATTACK, out=tmp_path / "out", transfer=True, adapt=adapt
    )
    small, large = _names(run)[1], _names(run)[0]
    frames = {
        (row["source"], row["model"], row["stress"] == "clean"): row["frame_size"]
        for row in run.rows().iter_rows(named=True)
    }
    of_small = "16x16" if adapt == "resize" else "10x10"
    assert frames[large, small, False] == frames[large, small, True] == "16x16"
    assert frames[small, small, False] == frames[small, large, False] == of_small
    assert ((small, large, True) in frames) == (adapt == "pad_crop")
    # What counts is whether the judge is right on the clean image as it sees it there.
    rows = run.rows()
    clean = rows.filter((pl.col("stress") == "clean") & (pl.col("source") == large))
    made = rows.filter((pl.col("stress") != "clean") & (pl.col("source") == large))
    pairs = made.filter(pl.col("model") == small).join(clean, on=["sample", "model"])
    assert len(pairs) == 18
    assert ((pairs["status"] == "ok") == pairs["correct_right"]).all()
    x, own = _batch(run, nets[0]), _batch(run, nets[1])
    with torch.no_grad():
        seen = nets[1].logits(pad_crop(x, (10, 10)) if adapt == "pad_crop" else x)
        alone = nets[1].logits(own).softmax(1).amax(1).tolist()
    assert pairs.sort("sample")["pred_right"].to_list() == seen.argmax(1).tolist()
    confidence = seen.softmax(1).amax(1).tolist()
    assert pairs.sort("sample")["conf_right"].to_list() == pytest.approx(confidence, rel=1e-4)
    clean = rows.filter((pl.col("stress") == "clean") & pl.col("source").is_null())
    plain = clean.filter(pl.col("model") == small).sort("sample")
    assert plain["conf"].to_list() == pytest.approx(alone, rel=1e-4)
    assert plain["conf"].to_list() != pytest.approx(confidence, rel=1e-4)


def _batch(run: rw.Run, model: Classifier) -> torch.Tensor:
    """Return the clean frames of ``model`` of all samples, in the order of their names."""
    data = next(run.datasets())["spec"]
    names = sorted(set(run.rows()["sample"]))
    images = [prepared(run.image(data, name) or b"", model.pipeline, name=name) for name in names]
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float() / 255


def test_who_gives_no_gradient_is_no_source_but_a_judge(tmp_path: Path) -> None:
    net = tinted_net(1)
    silent = Silent(members=(net,), answer="labels", pipeline=net.pipeline, spec="silent")
    nets = [silent, tinted_net(2)]
    run = rw.evaluate(nets, pictures(tmp_path), ATTACK, out=tmp_path / "out", transfer=True)
    first, second = _names(run)
    assert set(attacked(run)["source"]) == {second}
    assert set(attacked(run)["model"]) == {first, second}
    reasons = {(u["model"], u["stress"]): u["reason"] for u in run.summary["unavailable"]}
    assert "gradient" in reasons[first, ATTACK]


class Outputs(torch.nn.Module):
    """The mean of each channel, and some more outputs."""

    def __init__(self, more: int) -> None:
        super().__init__()
        self.more = more

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.pad(x.mean((2, 3)), (0, self.more))


@pytest.mark.parametrize(
    ("classes", "says"),
    [
        (Classes(4, (*COLOURS, "grey")), "have 3 classes and 4"),
        (Classes(3, ("blue", "green", "red")), "at other outputs"),
    ],
)
def test_models_of_other_classes_are_refused_before_any_work(
    tmp_path: Path, classes: Classes, says: str
) -> None:
    more = Outputs((classes.count or 3) - 3)
    nets = [
        rw.wrap(Outputs(0), size=16, name="first", classes=Classes(3, COLOURS)),
        rw.wrap(more, size=16, name="other", classes=classes),
    ]
    with pytest.raises(UsageError, match=says) as raised:
        rw.evaluate(nets, pictures(tmp_path), ATTACK, out=tmp_path / "out", transfer=True)
    assert "'first' and 'other'" in str(raised.value)
    assert not list((tmp_path / "out" / "runs").glob("*.json"))


def test_made_of_single_samples_joins_to_the_whole() -> None:
    whole = Made(
        {"x": np.arange(12, dtype=np.float32).reshape(2, 3, 1, 2)},
        np.array([True, False, True]),
        {"forwards": np.array([1, 0, 3]), "flags": [["a"], None, []]},
        np.array([2, 0, 1]),
    )
    parts = [whole.at(row) for row in range(3)]
    assert [len(part.x) for part in parts] == [1, 0, 1]
    joined = Made.joined(parts)
    assert np.array_equal(joined.x, whole.x)
    assert joined.columns["forwards"].tolist() == [1, 0, 3]
    assert joined.columns["flags"] == [["a"], None, []]
    assert joined.target is not None
    assert joined.target.tolist() == [2, 0, 1]
