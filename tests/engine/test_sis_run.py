"""sis in a run: known subsets, what is judged afresh, what is kept, and what is never made again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from engine_world import COLOURS
from ranked_world import (
    SHY,
    SIDE,
    Constant,
    Linear,
    at,
    crafted,
    grey_pictures,
    kept_order,
    linear_net,
    subsets,
    sure_net,
)
from torch import Tensor, nn
from transfer_world import NOT_OF_THE_MAKING, pictures

import roadworthy as rw
from roadworthy.engine import plan
from roadworthy.engine.artifacts import Artifacts
from roadworthy.engine.live import Quiet
from roadworthy.errors import UsageError
from roadworthy.models.expectation import averaged
from roadworthy.models.silent import silent
from roadworthy.pipeline.base import run as prepared
from roadworthy.stress._subsets.settings import passes
from roadworthy.stress.bound import stress
from roadworthy.subsets import heat_maps, orders
from roadworthy.types import Classes, Classifier

ONE = "sis(threshold=0.7, mask=zero, draws=4)"


@pytest.mark.parametrize("method", ["gradient", "exact"])
@pytest.mark.parametrize("threshold", [0.7, 0.95])
def test_the_subset_of_a_linear_network_is_recovered_exactly(
    tmp_path: Path, method: str, threshold: float
) -> None:
    data, pixels = grey_pictures(tmp_path / "grey")
    spec = f"sis(threshold={threshold}, method={method}, mask=zero, draws=2)"
    run = rw.evaluate(linear_net(), data, spec, out=tmp_path / "out")
    rows = at(subsets(run), f"threshold={threshold}")
    assert set(rows["status"]) == {"ok"}
    values = pixels * Linear().weight.detach().numpy()
    for row in rows.iter_rows(named=True):
        mine = values[int(Path(str(row["sample"])).stem)]
        ranked = np.sort(mine.ravel())[::-1]
        wanted = np.log(threshold / (1 - threshold)) - SHY
        size = int((ranked.cumsum() < wanted).sum()) + 1
        kept = kept_order(run, row) >= SIDE * SIDE - size
        assert row["kept"] == pytest.approx(size / SIDE**2)
        assert np.array_equal(kept, mine >= ranked[size - 1])
        total = ranked[:size].sum() + SHY
        assert row["conf_target"] == pytest.approx(1 / (1 + np.exp(-total)), abs=1e-5)
        assert row["minimal"] == row["kept"]
        assert row["sufficient"]
    # towards the other class black is best: it is sure of that without any pixel
    other = at(subsets(run), f"threshold={threshold},control=random_class")
    sure_of_black = 1 / (1 + np.exp(SHY)) >= threshold
    assert set(other["status"]) == {"not_applicable" if sure_of_black else "ok"}


def test_a_collection_has_the_next_best_pixels_of_a_linear_network(tmp_path: Path) -> None:
    data, pixels = grey_pictures(tmp_path / "grey", 2)
    spec = "sis(threshold=0.7, mask=zero, collection=3, controls=(), fractions=(), deletion=0)"
    run = rw.evaluate(linear_net(), data, spec, out=tmp_path / "out")
    values, wanted = pixels * Linear().weight.detach().numpy(), np.log(0.7 / 0.3) - SHY
    for row in at(subsets(run), "threshold=0.7").iter_rows(named=True):
        left = np.sort(values[int(Path(str(row["sample"])).stem)].ravel())[::-1]
        for extra in ("", ",subset=2", ",subset=3"):
            of_image = subsets(run).filter(sample=row["sample"])
            one = at(of_image, f"threshold=0.7{extra}").row(0, named=True)
            size = int((left.cumsum() < wanted).sum()) + 1
            total, left = left[:size].sum() + SHY, left[size:]
            assert one["kept"] == pytest.approx(size / SIDE**2)
            assert one["conf_target"] == pytest.approx(1 / (1 + np.exp(-total)), abs=1e-5)
            assert one["sufficient"]


def test_a_constant_network_has_no_valid_result_and_no_empty_one(tmp_path: Path) -> None:
    data, _ = grey_pictures(tmp_path / "grey")
    net = rw.wrap(Constant(), size=SIDE, name="constant", classes=Classes(2))
    run = rw.evaluate(net, data, ONE, out=tmp_path / "out")
    rows = at(subsets(run), "threshold=0.7")
    assert set(rows["status"]) == {"not_applicable"}
    assert rows["kept"].is_null().all()
    assert rows["reason"].str.contains("invalid: the model is 0.982 sure").all()
    assert set(rows["flags"].explode()) == {"baseline_suffices"}
    (warning,) = [w for w in run.summary["run"]["warnings"] if w["stress"].startswith("sis")]
    assert warning["flag"] == "baseline_suffices"
    assert not [r for r in run.summary["rows"] if r["metric"].startswith("sis_size")]
    # of fixed sizes there is something to show all the same
    assert set(at(subsets(run), "fraction=0.05")["status"]) == {"ok"}


def test_every_picture_is_judged_afresh_as_it_is_kept(tmp_path: Path) -> None:
    data, net = pictures(tmp_path), sure_net(1)
    run = rw.evaluate(net, data, "sis(threshold=0.6, draws=3)", out=tmp_path / "out")
    rows, dataset = subsets(run), rw.open(data)
    by_name = {s.id: s for s in dataset.samples}
    seen = 0
    for variant, size in (("threshold=0.6", None), ("fraction=0.1", 7), ("fraction=0.5", 32)):
        for row in at(rows, variant).filter(pl.col("status") == "ok").iter_rows(named=True):
            order = kept_order(run, row)
            step = len(order.ravel()) - (size or round(row["kept"] * 64))
            kept = torch.from_numpy(order >= step)
            image = prepared(dataset.read(by_name[row["sample"]]), net.pipeline, name=row["sample"])
            x = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255
            with torch.no_grad():
                whole, part = (net.logits(v)[0].softmax(0) for v in (x, x * kept))
            assert row["target"] == int(whole.argmax())
            assert row["conf_target"] == pytest.approx(float(part[row["target"]]), abs=1e-5)
            assert row["pred"] == int(part.argmax())
            assert row["kept"] == pytest.approx(float(kept.float().mean()))
            seen += 1
    assert seen > 30
    found = at(rows, "threshold=0.6").filter(pl.col("status") == "ok")
    assert found["sufficient"].all()
    assert (found["conf_target"] >= 0.6).all()
    assert (found["minimal"] <= found["kept"]).all()
    assert (found["forwards"] == 65).all()
    assert (found["backwards"] == 64).all()


def test_controls_are_on_by_default_and_go_the_same_way(tmp_path: Path) -> None:
    run = rw.evaluate(sure_net(1), pictures(tmp_path), "sis(threshold=0.6)", out=tmp_path / "out")
    rows = subsets(run)
    controls = ("minimal", "random_subset", "mask_only", "dilated", "random_class")
    names = [f"threshold=0.6,control={name}" for name in controls]
    assert {*names, "threshold=0.6", "threshold=0.6,baseline=zero"} <= set(rows["variant"])
    base = at(rows, "threshold=0.6").filter(pl.col("status") == "ok")
    told = rows.filter(pl.col("threshold").is_not_null() & pl.col("conf_target").is_not_null())
    assert told["sufficient"].to_list() == (told["conf_target"] >= 0.6).to_list()
    assert set(told["sufficient"]) == {True, False}
    dilated = at(rows, "threshold=0.6,control=dilated").filter(pl.col("status") == "ok")
    assert (dilated["kept"] > base["kept"]).all()
    drawn = at(rows, "control=random_subset,fraction=0.3")
    drawn = drawn.filter(pl.col("status") == "ok")
    assert set(drawn["frames_pred"].list.len()) == {20}
    assert drawn["kept"].to_list() == pytest.approx([20 / 64] * len(drawn))
    assert drawn["pred"].is_null().all()
    assert set(drawn["control"]) == {"random_subset"}
    steered = at(rows, "threshold=0.6,control=random_class").filter(pl.col("sufficient"))
    both = steered.join(base, on="sample", suffix="_own")
    assert len(both)
    assert (both["target"] != both["target_own"]).all()
    assert at(rows, "threshold=0.6,control=random_class")["sufficient"].is_not_null().any()
    steered = at(rows, "threshold=0.6,control=random_class").filter(pl.col("status") == "ok")
    found = steered.filter(pl.col("sufficient"))
    assert (found["conf_target"] >= 0.6).all()
    assert steered.filter(~pl.col("sufficient"))["kept"].is_null().all()
    none = rw.evaluate(
        sure_net(1),
        pictures(tmp_path / "2"),
        "sis(threshold=0.6, controls=(), deletion=0)",
        out=tmp_path / "n",
    )
    variants = {"threshold=0.6", *(f"fraction={f}" for f in (0.01, 0.05, 0.1, 0.3, 0.5))}
    assert set(subsets(none)["variant"]) == variants
    measured = [row for row in none.summary["rows"] if row["stress"].startswith("sis")]
    assert {row["variant"] for row in measured} == variants  # and no mean over all of them
    assert {one["stress"] for one in none.summary["reliability"]} == {"clean"}
    assert subsets(none)["minimal"].is_null().all()


def test_random_subsets_belong_to_the_image_whoever_made_the_subset(tmp_path: Path) -> None:
    data, spec = pictures(tmp_path, each=2), "sis(threshold=0.5, draws=5, fractions=(0.1, 0.2))"
    runs = [
        rw.evaluate(sure_net(1), data, spec, out=tmp_path / "a"),
        rw.evaluate(sure_net(1), data, spec, out=tmp_path / "b", batch_size=1),
        rw.evaluate(sure_net(1), data, spec.replace("sis(", "sis(decay=0.5, "), out=tmp_path / "c"),
    ]
    first, *others = [at(subsets(r), "control=random_subset,fraction=0.1") for r in runs]
    for other in others:
        assert other["frames_pred"].to_list() == first["frames_pred"].to_list()
        np.testing.assert_allclose(other["conf_target"], first["conf_target"], atol=1e-5)


def test_a_second_threshold_or_fraction_makes_nothing(tmp_path: Path) -> None:
    data, out = pictures(tmp_path), tmp_path / "out"
    first = rw.evaluate(sure_net(1), data, "sis(threshold=0.6)", out=out)
    there = at(subsets(first), "threshold=0.6")
    ranked = int((there["status"] == "ok").sum())
    assert 0 < ranked <= len(there)
    assert crafted(first) == [2 * ranked]  # for the class predicted, and for a random one
    again = rw.evaluate(
        sure_net(1),
        data,
        "sis(threshold=[0.7, 0.8], fractions=(0.2, 0.02), baselines=(zero))",
        out=out,
    )
    assert crafted(again) == [0]
    alone = rw.evaluate(
        sure_net(1),
        data,
        "sis(threshold=[0.7, 0.8], fractions=(0.2, 0.02), baselines=(zero))",
        out=tmp_path / "new",
    )
    drop = [*NOT_OF_THE_MAKING, "removal_conf"]  # which hangs on the batch in its last bit
    new = subsets(again).filter(pl.col("stress") == subsets(alone)["stress"][0])
    assert new.drop(drop).equals(subsets(alone).drop(drop))
    sizes = [at(new, f"threshold={t}")["kept"] for t in (0.7, 0.8)]
    both = sizes[0].is_not_null() & sizes[1].is_not_null()
    assert (sizes[1].filter(both) >= sizes[0].filter(both)).all()
    assert list(new["variant"]).count("fraction=0.2") == len(there)  # once, not for each threshold
    same = rw.evaluate(sure_net(1), data, "sis(threshold=0.6)", out=out)
    assert (crafted(same), same.runs[-1]["parts_written"]) == ([0], 0)


def test_a_lower_threshold_ranks_only_those_that_were_not(tmp_path: Path) -> None:
    data, out = pictures(tmp_path), tmp_path / "out"
    high = rw.evaluate(sure_net(1), data, "sis(threshold=0.9, controls=())", out=out)
    rows = at(subsets(high), "threshold=0.9")
    left = int((rows["status"] == "not_applicable").sum())
    assert 0 < left < len(rows)
    unsure = rows.filter(pl.col("status") == "not_applicable")
    assert unsure["reason"].str.contains("sure of the whole image, below 0.9").all()
    for name in ("kept", "pred", "correct", "conf", "artifact", "forwards"):
        assert unsure[name].is_null().all(), name
    low = rw.evaluate(sure_net(1), data, "sis(threshold=0.5, controls=())", out=out)
    applicable = int(
        (at(subsets(low, "sis(threshold=0.5"), "threshold=0.5")["status"] == "ok").sum()
    )
    assert crafted(low) == [applicable - (len(rows) - left)]
    assert crafted(rw.evaluate(sure_net(1), data, "sis(threshold=0.6, controls=())", out=out)) == [
        0
    ]
    # both at once: one order each
    both = ["sis(threshold=0.9, controls=())", "sis(threshold=0.5, controls=())"]
    at_once = rw.evaluate(sure_net(1), data, both, out=tmp_path / "once")
    assert crafted(at_once) == [applicable]
    drop = [*NOT_OF_THE_MAKING, "removal_conf"]
    one, other = (subsets(r, "sis(threshold=0.5").drop(drop) for r in (low, at_once))
    assert one.equals(other)


def test_subsets_are_handed_on_and_a_new_judge_ranks_only_for_itself(tmp_path: Path) -> None:
    data, out, spec = pictures(tmp_path, each=3), tmp_path / "out", "sis(threshold=0.6, draws=3)"
    alone = [rw.evaluate(sure_net(n), data, spec, out=tmp_path / str(n)) for n in (1, 2, 3)]
    both = rw.evaluate([sure_net(1), sure_net(2)], data, spec, out=out, transfer=True)
    assert crafted(both) == [crafted(a)[0] for a in alone[:2]]
    every = subsets(both)
    drop = NOT_OF_THE_MAKING
    for index in (0, 1):
        own = every.filter(
            (pl.col("source") == f"net{index + 1}") & (pl.col("model") == f"net{index + 1}")
        )
        assert own.drop(drop).equals(subsets(alone[index]).drop(drop))
    passed = every.filter((pl.col("source") == "net1") & (pl.col("model") == "net2"))
    made = every.filter((pl.col("source") == "net1") & (pl.col("model") == "net1"))
    assert "threshold=0.6,control=minimal" not in set(passed["variant"])
    here, there = (at(rows, "threshold=0.6") for rows in (passed, made))
    assert here["kept"].equals(there["kept"])
    assert here["target"].equals(there["target"])
    assert not here["conf_target"].equals(there["conf_target"])
    assert here["forwards"].is_null().all()
    more = rw.evaluate([sure_net(n) for n in (1, 2, 3)], data, spec, out=out, transfer=True)
    assert crafted(more) == [0, 0, *crafted(alone[2])]
    names = {
        r["metric"] for r in more.summary["rows"] if r["model"] == "net3" and r["source"] == "net1"
    }
    assert {"subset_top1", "random_subset_top1", "subset_overlap", "order_correlation"} <= names
    assert "sis_size_mean" not in names


def test_overlap_is_with_the_judges_own_subsets(tmp_path: Path) -> None:
    data, spec = pictures(tmp_path), "sis(threshold=0.6, controls=(), fractions=(0.2))"
    twins = [sure_net(1, name="a"), sure_net(1, name="b"), sure_net(2)]
    run = rw.evaluate(twins, data, spec, out=tmp_path / "out", transfer=True)
    twin = subsets(run).filter((pl.col("source") == "a") & (pl.col("model") == "b"))
    found = at(twin, "threshold=0.6").filter(pl.col("status") == "ok")
    assert len(found)
    assert (found["overlap"] == 1).all()
    assert found["rank_correlation"].to_list() == pytest.approx([1] * len(found))
    rows = subsets(run)
    other = at(rows.filter((pl.col("source") == "a") & (pl.col("model") == "net2")), "fraction=0.2")
    mine, theirs = (
        {
            r["sample"]: kept_order(run, r)
            for r in at(
                rows.filter((pl.col("source") == n) & (pl.col("model") == n)), "fraction=0.2"
            )
            .filter(pl.col("status") == "ok")
            .iter_rows(named=True)
        }
        for n in ("a", "net2")
    )
    checked = 0
    for row in other.iter_rows(named=True):
        if row["sample"] not in mine or row["sample"] not in theirs:
            assert row["overlap"] is None
            continue
        a, b = (orders_[row["sample"]] >= 64 - 13 for orders_ in (mine, theirs))
        assert row["overlap"] == pytest.approx((a & b).sum() / (a | b).sum())
        checked += 1
    assert checked > 5


def test_results_do_not_depend_on_the_batch(tmp_path: Path) -> None:
    data, spec = (
        pictures(tmp_path, each=2),
        "sis(threshold=0.6, draws=2, collection=2, schedule=geometric)",
    )
    one = rw.evaluate(sure_net(1), data, spec, out=tmp_path / "a")
    other = rw.evaluate(sure_net(1), data, spec, out=tmp_path / "b", batch_size=1)
    left, right = (subsets(run).drop("request", "artifact") for run in (one, other))
    for name in left.columns:
        if left[name].dtype.is_float():
            np.testing.assert_allclose(
                left[name].fill_null(-1), right[name].fill_null(-1), atol=1e-4
            )
        elif left[name].dtype == pl.Boolean or name in ("variant", "status", "target", "pred"):
            assert left[name].equals(right[name]), name


def test_exact_subsets_ask_for_no_gradient_and_labels_are_not_enough(tmp_path: Path) -> None:
    data, _ = grey_pictures(tmp_path / "grey", 3)
    spoken = silent(linear_net(), "probabilities")
    exact = "sis(threshold=0.7, mask=zero, method=exact, controls=())"
    said = rw.evaluate(spoken, data, exact, out=tmp_path / "p")
    whole = rw.evaluate(linear_net(), data, exact, out=tmp_path / "w")
    assert subsets(said)["kept"].equals(subsets(whole)["kept"])
    assert (at(subsets(said), "threshold=0.7")["forwards"] == 64 * 65 // 2 + 2).all()
    with pytest.raises(UsageError, match="needs gradient, which the model does not give"):
        rw.evaluate(spoken, data, "sis", out=tmp_path / "g")
    with pytest.raises(UsageError, match="needs probabilities, which the model does not give"):
        rw.evaluate(silent(linear_net(), "labels"), data, exact, out=tmp_path / "l")
    several = rw.evaluate(
        [linear_net(), silent(linear_net(), "labels")], data, exact, out=tmp_path / "s"
    )
    (pair,) = several.summary["unavailable"]
    assert "needs probabilities" in pair["reason"]


class Noisy(nn.Module):
    """Draws anew whenever it is asked."""

    def __init__(self, noise: float = 0.5) -> None:
        super().__init__()
        self.inner, self.noise = Linear(), noise

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.inner(x)
        return logits + self.noise * torch.randn(logits.shape)


def test_a_random_model_is_refused_with_the_remedy_and_its_mean_is_not(tmp_path: Path) -> None:
    data, _ = grey_pictures(tmp_path / "grey", 3)
    noisy = rw.wrap(Noisy(), size=SIDE, name="noisy", classes=Classes(2))
    with pytest.raises(
        UsageError, match=r"answers otherwise .* average its draws: eot\(noisy, n=20\)"
    ):
        rw.evaluate(noisy, data, ONE, out=tmp_path / "n")
    run = rw.evaluate(averaged(noisy, 4), data, ONE, out=tmp_path / "m")
    rows = at(subsets(run), "threshold=0.7")
    assert rows["kept"].is_not_null().all()
    again = rw.evaluate(averaged(noisy, 4), data, ONE, out=tmp_path / "again")
    assert at(subsets(again), "threshold=0.7")["kept"].equals(rows["kept"])


def test_k_larger_than_the_image_is_refused(tmp_path: Path) -> None:
    data, _ = grey_pictures(tmp_path / "grey", 2)
    with pytest.raises(
        UsageError, match="k=65 pixels cannot go at once from a frame of 8x8, which has 64"
    ):
        rw.evaluate(linear_net(), data, "sis(k=65)", out=tmp_path / "out")


class Breaks(nn.Module):
    """Says nothing finite about dark pictures."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = Linear()

    def forward(self, x: Tensor) -> Tensor:
        dark = (x.mean((1, 2, 3)) < 0.2) & (x[:, 0, 0, 0] > 0.605)
        logits: Tensor = self.inner(x)
        return torch.where(dark[:, None], torch.nan, logits)


class Stopping(Quiet):
    """Interrupts when the records of some batches have been seen."""

    left = 3

    def judged(self, cell: Any, rows: pl.DataFrame) -> None:
        self.left -= cell.stress.name == "sis"
        if not self.left:
            raise KeyboardInterrupt


def test_images_that_take_long_are_kept_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for spec, size, long in (
        ("sis(method=exact)", (32, 32), True),
        ("sis(exact_from=500)", (224, 224), True),
        ("sis", (64, 64), False),
        ("sis", (224, 224), False),
    ):
        assert (passes(stress(spec).settings[0].arguments, size)[0] > plan.LONG) == long
    monkeypatch.setattr(plan, "LONG", 1000)
    data, _ = grey_pictures(tmp_path / "grey")
    spec = "sis(threshold=0.7, mask=zero, method=exact, controls=(), deletion=0)"
    with pytest.raises(KeyboardInterrupt):
        rw.evaluate(linear_net(), data, spec, out=tmp_path / "out", watcher=Stopping())
    assert crafted(rw.Run(tmp_path / "out")) == [3]
    run = rw.evaluate(linear_net(), data, spec, out=tmp_path / "out")
    assert crafted(run) == [3]
    whole = rw.evaluate(linear_net(), data, spec, out=tmp_path / "whole")
    drop = ["request", "artifact"]
    assert subsets(run).drop(drop).equals(subsets(whole).drop(drop))


def test_what_is_not_finite_fails_and_is_never_a_subset(tmp_path: Path) -> None:
    data, pixels = grey_pictures(tmp_path / "grey")
    net = Breaks()
    with torch.no_grad():
        net.inner.weight[0, 0] = 9.0  # goes last
    bad = {f"{i % 2}/{i}.png" for i in range(len(pixels)) if pixels[i, 0, 0] > 0.605}
    assert 0 < len(bad) < len(pixels)
    broken = rw.wrap(net, size=SIDE, name="breaks", classes=Classes(2))
    spec = "sis(threshold=0.7, mask=zero, controls=())"
    run = rw.evaluate(broken, data, spec, out=tmp_path / "out")
    failed = subsets(run).filter(pl.col("status") == "failed")
    assert set(failed["sample"]) == bad
    assert failed["reason"].str.contains("NaN or infinite numbers, or gradients, for a part").all()
    assert failed["kept"].is_null().all()
    good = at(subsets(run), "threshold=0.7").filter(pl.col("status") == "ok")
    assert set(good["sample"]) == {f"{i % 2}/{i}.png" for i in range(len(pixels))} - bad
    again = rw.evaluate(broken, data, spec, out=tmp_path / "out")
    assert again.runs[-1]["parts_written"] == 0
    # white where something is kept: this control breaks the network on the others
    white = rw.evaluate(broken, data, spec.replace("()", "(mask_only)"), out=tmp_path / "white")
    failed = subsets(white).filter(pl.col("status") == "failed")
    assert len(failed) == len(pixels)
    assert failed["reason"].str.contains("control=mask_only").sum() == len(pixels) - len(bad)


def test_an_order_that_is_ended_early_says_what_it_does_not_hold(tmp_path: Path) -> None:
    data = pictures(tmp_path)
    full = rw.evaluate(sure_net(1), data, "sis(threshold=0.9, controls=())", out=tmp_path / "f")
    early = rw.evaluate(
        sure_net(1), data, "sis(threshold=0.9, controls=(), early_stop=5)", out=tmp_path / "e"
    )
    assert at(subsets(full), "threshold=0.9")["kept"].equals(
        at(subsets(early), "threshold=0.9")["kept"]
    )
    small = at(subsets(early), "fraction=0.01")
    assert set(small["status"]) == {"not_applicable"}
    ended = small.filter(pl.col("reason").str.contains("early_stop"))
    assert len(ended)
    spent = at(subsets(early), "threshold=0.9").filter(pl.col("status") == "ok")
    assert (spent["forwards"] < 65).all()
    (row, *_) = spent.iter_rows(named=True)
    kept = Artifacts(early.folder)
    file = kept.held(row["artifact"].split("/")[1])[row["sample"], row["content"]]
    assert kept.read(file)["order"].arrays["partial"].all()
    for one in orders(early, at(subsets(early), "threshold=0.9")):
        assert one.at_fraction(0.01) is None
        at_least = one.at_threshold(0.9)
        assert at_least is not None
        assert at_least.mean() == spent.filter(sample=one.sample)["kept"].item()
        with pytest.raises(UsageError, match="was ended before it fell below"):
            one.at_threshold(0.01)


def test_a_file_of_orders_that_is_damaged_is_made_again(tmp_path: Path) -> None:
    data, out = pictures(tmp_path), tmp_path / "out"
    first = rw.evaluate(sure_net(1), data, "sis(threshold=0.6, controls=())", out=out)
    (file,) = (out / "artifacts").rglob("*.safetensors")
    whole = file.read_bytes()
    file.write_bytes(whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:])
    again = rw.evaluate(sure_net(1), data, "sis(threshold=0.6, controls=())", out=out)
    assert crafted(again) == crafted(first)
    assert file.read_bytes()[-64:] == whole[-64:]
    assert subsets(again).drop("request").equals(subsets(first).drop("request"))


def test_orders_and_heat_maps_are_read_off_without_a_model(tmp_path: Path) -> None:
    data = pictures(tmp_path)
    run = rw.evaluate(sure_net(1), data, "sis(threshold=0.6)", out=tmp_path / "out")
    rows = at(subsets(run), "threshold=0.6")
    found = list(orders(rw.Run(run.folder), rows))
    assert [one.sample for one in found] == rows.filter(pl.col("status") == "ok")[
        "sample"
    ].to_list()
    maps = heat_maps(run, rows, fraction=0.25)
    for target, heat in maps.items():
        mine = [one.removal.order[0] >= 48 for one in found if one.target == target]
        np.testing.assert_allclose(heat, np.mean(mine, axis=0))
        assert heat.mean() == pytest.approx(0.25)
    with pytest.raises(UsageError, match="between 0 and 1"):
        heat_maps(run, rows, fraction=1.0)
    # another threshold and fraction: what a run of them says, which makes no order either
    again = rw.evaluate(sure_net(1), data, "sis(threshold=0.8, fractions=(0.2))", out=run.folder)
    assert crafted(again) == [0]
    new = subsets(again, "sis(threshold=0.8")
    by_name = {row["sample"]: row for row in at(new, "threshold=0.8").iter_rows(named=True)}
    for one in found:
        kept, row = one.at_threshold(0.8), by_name[one.sample]
        assert (None if kept is None else kept.mean()) == row["kept"]
        fifth = one.at_fraction(0.2)
        assert fifth is not None
        assert np.array_equal(fifth, one.removal.order[0] >= 64 - 13)
        with pytest.raises(UsageError, match="above 0 and below 1, not 1"):
            one.at_threshold(1.0)
        with pytest.raises(UsageError, match="between 0 and 1, not at 0"):
            one.at_fraction(0.0)
    # one order, however many records show something of it, and two of two stresses
    sure = at(new, "fraction=0.2").filter(pl.col("status") == "ok")["sample"].to_list()
    assert [one.sample for one in orders(run, new)] == sure
    other = rw.evaluate(sure_net(1), data, "sis(threshold=0.6, k=2)", out=run.folder)
    both = subsets(other).filter(pl.col("threshold") == 0.6)
    assert len(list(orders(other, both))) == 2 * len(found)
    with pytest.raises(UsageError, match="of one order of pixels"):
        heat_maps(other, both, fraction=0.2)
    with pytest.raises(UsageError, match="something else"):
        list(orders(run, run.rows().filter(pl.col("stress") == "clean")))
    for path in (run.folder / "artifacts").rglob("*.safetensors"):
        path.unlink()
    with pytest.raises(rw.RoadworthyError, match="its order is gone"):
        list(orders(rw.Run(run.folder), rows))


def test_ranks_are_made_in_float32_whatever_the_precision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, spec = pictures(tmp_path), "sis(threshold=0.6, controls=())"
    usual = rw.evaluate(sure_net(1), data, spec, out=tmp_path / "a")
    low = rw.evaluate(sure_net(1), data, spec, out=tmp_path / "b", precision="bf16")
    drop = [*NOT_OF_THE_MAKING, "kl_ref"]
    assert subsets(low).drop(drop).equals(subsets(usual).drop(drop))
    assert set(subsets(low)["precision"]) == {"fp32"}


def test_an_ensemble_is_ranked_as_one_model(tmp_path: Path) -> None:
    from roadworthy.models.combine import combined

    both: Classifier = combined((sure_net(1), sure_net(2)), "logits")
    spec = "sis(threshold=0.6, controls=())"
    run = rw.evaluate(both, pictures(tmp_path), spec, out=tmp_path / "out")
    assert (at(subsets(run), "threshold=0.6")["status"] == "ok").any()


def test_other_masks_cover_what_is_not_kept(tmp_path: Path) -> None:
    data = pictures(tmp_path, each=2)
    baselines = ("mean", "zero", "blur", "noise", "another", "inpaint")
    run = rw.evaluate(sure_net(1), data, "sis(threshold=0.5)", out=tmp_path / "out")
    rows = subsets(run)
    found = {
        name: at(rows, f"threshold=0.5,baseline={name}").filter(pl.col("status") == "ok")
        for name in baselines[1:]
    }
    base = at(rows, "threshold=0.5").filter(pl.col("status") == "ok")
    for name, part in found.items():
        assert part["kept"].equals(base["kept"])
        assert set(part["control"]) == {"baseline"}
        # this network has no mean: black is what it is shown anyway
        assert part["conf_target"].equals(base["conf_target"]) == (name == "zero"), name
    lonely = pictures(tmp_path / "lonely", each=1)
    for path in (tmp_path / "lonely" / "pictures").rglob("*.png"):
        if path.parent.name != "red":
            path.unlink()
    alone = rw.evaluate(sure_net(1), lonely, "sis(threshold=0.34)", out=tmp_path / "alone")
    (row,) = at(subsets(alone), "threshold=0.34,baseline=another").iter_rows(named=True)
    assert row["status"] == "not_applicable"
    assert "no other image" in row["reason"]
    assert at(subsets(alone), "threshold=0.34,baseline=blur")["status"].item() == "ok"
    covered = rw.evaluate(
        sure_net(1), lonely, "sis(threshold=0.34, mask=another)", out=tmp_path / "covered"
    )
    failed = subsets(covered)
    assert set(failed["status"]) == {"failed"}
    assert failed["reason"].str.contains("no other image").all()


def transformer(name: str, patch: int = 8) -> Classifier:
    import timm

    torch.manual_seed(2)
    vit = timm.create_model(
        "vit_tiny_patch16_224", img_size=32, patch_size=patch, num_classes=3, depth=2, embed_dim=24
    )
    with torch.no_grad():
        vit.head.weight.normal_()
        for block in vit.blocks:  # so that tokens look at each other
            block.attn.qkv.weight.mul_(20)
            block.attn.proj.weight.mul_(20)
    return rw.wrap(vit, size=32, name=name, classes=Classes(3, COLOURS))


def test_tokens_of_a_transformer_are_ranked_and_left_out(tmp_path: Path) -> None:
    net = transformer("vit")
    spec = "sis(threshold=0.5, mask=tokens, draws=2, fractions=(0.5), baselines=(mean))"
    run = rw.evaluate(net, pictures(tmp_path, each=3), spec, out=tmp_path / "out")
    rows = at(subsets(run), "threshold=0.5").filter(pl.col("status") == "ok")
    assert len(rows)
    assert set((16 * rows["kept"]).to_list()) <= set(range(1, 17))
    assert rows["sufficient"].all()
    half = at(subsets(run), "fraction=0.5").filter(pl.col("status") == "ok")
    assert set(half["kept"]) == {0.5}
    covered = at(subsets(run), "threshold=0.5,baseline=mean").filter(pl.col("status") == "ok")
    assert covered["kept"].equals(rows["kept"])
    assert not covered["conf_target"].equals(rows["conf_target"])
    with pytest.raises(UsageError, match="takes a vision transformer of timm"):
        rw.evaluate(sure_net(1), pictures(tmp_path / "2"), spec, out=tmp_path / "cnn")
    with pytest.raises(UsageError, match="k=17 patches cannot go at once from a frame of 4x4"):
        rw.evaluate(net, pictures(tmp_path / "3"), "sis(k=17, mask=tokens)", out=tmp_path / "k")


def test_who_has_no_tokens_judges_none_and_other_patches_are_not_compared(tmp_path: Path) -> None:
    nets = [transformer("vit"), transformer("fine", 4), sure_net(1)]
    spec = "sis(threshold=0.5, mask=tokens, fractions=(0.5), controls=(), deletion=0)"
    run = rw.evaluate(nets, pictures(tmp_path, each=2), spec, out=tmp_path / "o", transfer=True)
    assert [(u["model"], u["stress"]) for u in run.summary["unavailable"]] == [("net1", spec)]
    rows = at(subsets(run), "fraction=0.5").filter(pl.col("status") == "ok")
    assert set(rows["model"]) == set(rows["source"]) == {"vit", "fine"}
    assert rows["overlap"].is_null().all()
