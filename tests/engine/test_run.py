"""Whole runs on real files with a small network: what is judged, kept, and not done twice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from engine_world import COLOURS, QUICK, ColourNet, colour_net, write_pictures
from PIL import Image
from torchvision.transforms import CenterCrop, Compose, Resize, ToTensor

import roadworthy as rw
from roadworthy.engine.records import SCHEMA


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Return a class folder of 24 pictures."""
    return write_pictures(tmp_path / "pictures")


def _top1(run: rw.Run, stress: str, variant: str = "") -> float:
    found = [
        row["value"]
        for row in run.summary["rows"]
        if (row["stress"], row["variant"], row["metric"]) == (stress, variant, "top1")
    ]
    assert len(found) == 1, (stress, variant, found)
    return float(found[0])


def _last(folder: Path) -> dict[str, Any]:
    return rw.Run(folder).runs[-1]


def test_clean_equals_a_plain_script_image_by_image(pictures: Path, tmp_path: Path) -> None:
    run = rw.evaluate(colour_net(), f"imagefolder:{pictures}", "clean", out=tmp_path / "out")
    prepare = Compose([Resize(16), CenterCrop(16), ToTensor()])
    net = ColourNet().eval()
    rows = {row["sample"]: row for row in run.rows().iter_rows(named=True)}
    assert len(rows) == 24
    for index, colour in enumerate(COLOURS):
        for path in (pictures / colour).iterdir():
            with torch.no_grad():
                logits = net(prepare(Image.open(path).convert("RGB"))[None])[0]
            row = rows[f"{colour}/{path.name}"]
            assert row["label"] == index
            assert row["pred"] == int(logits.argmax())
            assert row["conf"] == pytest.approx(float(logits.softmax(0).max()), rel=1e-4)


def test_every_tap_gives_records_of_the_one_schema(pictures: Path, tmp_path: Path) -> None:
    run = rw.evaluate(colour_net(), f"imagefolder:{pictures}", QUICK, out=tmp_path / "out")
    rows = run.rows()
    assert rows.schema == SCHEMA
    assert rows.group_by("stress").len().sort("stress").rows() == sorted(
        (spec, 48 if "noise" in spec else 24) for spec in QUICK
    )
    by = {spec: rows.filter(pl.col("stress") == spec) for spec in QUICK}
    assert by["translate(frames=5)"]["frames_pred"].list.len().unique().to_list() == [5]
    assert by["precision(dtype=bf16)"]["modifier"].unique().to_list() == ["precision(dtype=bf16)"]
    assert set(by["gaussian_noise(severity=[1, 5])"]["severity"]) == {1, 5}
    assert by["clean"]["kl_ref"].abs().max() == pytest.approx(0.0, abs=1e-6)
    noisy = by["gaussian_noise(severity=[1, 5])"]
    weak, strong = (noisy.filter(pl.col("severity") == s)["kl_ref"].mean() for s in (1, 5))
    assert isinstance(weak, float)
    assert isinstance(strong, float)
    assert 0 < weak < strong


def test_an_attack_stays_in_its_ball_and_lowers_the_margin(pictures: Path, tmp_path: Path) -> None:
    stress = "pgd(eps=4/255, steps=5)"
    run = rw.evaluate(colour_net(), f"imagefolder:{pictures}", stress, out=tmp_path / "out")
    rows = run.rows()
    clean = rows.filter(pl.col("stress") == "clean").sort("sample")
    attacked = rows.filter(pl.col("stress") == stress).sort("sample")
    right = clean["correct"]
    assert attacked.filter(~right)["status"].unique().to_list() in (["clean_error"], [])
    hit = attacked.filter(right)
    assert 12 <= len(hit) <= 24
    assert hit["status"].unique().to_list() == ["ok"]
    assert hit["linf"].max() == pytest.approx(4 / 255, abs=1e-6)
    # The network is linear in the mean of each channel: the margin falls by 8 * 2 eps exactly.
    fall = clean.filter(right)["margin"] - hit["margin"]
    np.testing.assert_allclose(fall, 16 * 4 / 255, atol=2e-4)
    assert hit["ok8"].to_list() == (~hit["correct"]).to_list()
    assert hit["forwards"].unique().to_list() == [5]
    assert hit["backwards"].unique().to_list() == [5]
    assert hit["eps_numerator"].unique().to_list() == [4]
    assert hit["eps_denominator"].unique().to_list() == [255]
    assert attacked["source"].unique().to_list() == [attacked["model"][0]]


def test_each_file_is_decoded_once_for_five_stresses(pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    rw.evaluate(colour_net(), f"imagefolder:{pictures}", QUICK, out=out)
    assert _last(out)["decodes"] == 24
    assert _last(out)["recodes"] == 24


def test_the_same_command_again_does_nothing(pictures: Path, tmp_path: Path) -> None:
    out, data = tmp_path / "out", f"imagefolder:{pictures}"
    first = rw.evaluate(colour_net(), data, QUICK, out=out)
    before = {p: p.read_bytes() for p in (out / "records").rglob("*.parquet")}
    summary = (out / "summary.json").read_bytes()
    again = rw.evaluate(colour_net(), data, QUICK, out=out)
    assert _last(out)["parts_written"] == 0
    assert _last(out)["decodes"] == 0
    assert {p: p.read_bytes() for p in (out / "records").rglob("*.parquet")} == before
    assert (out / "summary.json").read_bytes() == summary
    assert again.rows().equals(first.rows())


def test_a_larger_limit_reuses_the_first_samples(pictures: Path, tmp_path: Path) -> None:
    out, data = tmp_path / "out", f"imagefolder:{pictures}"
    rw.evaluate(colour_net(), data, QUICK, out=out, limit=6)
    rw.evaluate(colour_net(), data, QUICK, out=out, limit=15)
    assert _last(out)["decodes"] == 9
    grown = rw.Run(out)
    whole = rw.evaluate(colour_net(), data, QUICK, out=tmp_path / "whole", limit=15)
    columns = ["sample", "stress", "variant", "pred", "correct", "frames_pred", "status"]
    assert grown.rows().select(columns).equals(whole.rows().select(columns))
    back = rw.evaluate(colour_net(), data, QUICK, out=out, limit=6)
    assert _last(out)["decodes"] == 0
    assert {row["n"] for row in back.summary["rows"]} == {6}


def test_another_model_or_stress_redoes_nothing(pictures: Path, tmp_path: Path) -> None:
    out, data = tmp_path / "out", f"imagefolder:{pictures}"
    first = rw.evaluate(colour_net(), data, ["clean"], out=out)
    parts = set((out / "records").rglob("*.parquet"))
    other = colour_net(size=12, name="smaller")
    run = rw.evaluate([colour_net(), other], data, ["clean", "jpeg(quality=30)"], out=out)
    assert parts < set((out / "records").rglob("*.parquet"))
    assert _last(out)["parts_written"] == 3
    models = {row["model"] for row in run.summary["rows"]}
    assert len(models) == 2
    assert first.summary["rows"][0] in run.summary["rows"]


def test_a_changed_image_is_judged_again_alone(pictures: Path, tmp_path: Path) -> None:
    out, data = tmp_path / "out", f"imagefolder:{pictures}"
    rw.evaluate(colour_net(), data, ["clean"], out=out)
    changed = pictures / "red" / "0.png"
    Image.new("RGB", (24, 20), (0, 0, 255)).save(changed)
    run = rw.evaluate(colour_net(), data, ["clean"], out=out)
    assert _last(out)["decodes"] == 1
    rows = run.rows()
    assert len(rows) == 24
    row = rows.filter(pl.col("sample") == "red/0.png").row(0, named=True)
    assert row["pred"] == COLOURS.index("blue")
    assert not row["correct"]


def test_results_do_not_depend_on_order_or_batch_size(pictures: Path, tmp_path: Path) -> None:
    data = f"imagefolder:{pictures}"
    one = rw.evaluate(colour_net(), data, QUICK, out=tmp_path / "a", batch_size=32)
    two = rw.evaluate(colour_net(), data, QUICK[::-1], out=tmp_path / "b", batch_size=5)
    key = ["stress", "variant", "sample"]
    left, right = one.rows().sort(key), two.rows().sort(key)
    exact = [*key, "label", "pred", "correct", "top5", "frames_pred", "status", "linf"]
    sure = left["borderline"].fill_null(value=False).not_()
    assert left.filter(sure).select(exact[:-1]).equals(right.filter(sure).select(exact[:-1]))
    for column in ("conf", "margin", "loss", "kl_ref", "linf", "l2"):
        np.testing.assert_allclose(
            left[column].fill_null(0.0), right[column].fill_null(0.0), atol=1e-4
        )


def test_noise_is_the_same_alone_and_in_company(pictures: Path, tmp_path: Path) -> None:
    data = f"imagefolder:{pictures}"
    alone = rw.evaluate(colour_net(), data, "gaussian_noise(severity=5)", out=tmp_path / "a")
    five = rw.evaluate(colour_net(), data, "gaussian_noise", out=tmp_path / "b")
    other = rw.evaluate(
        colour_net(), data, "gaussian_noise(severity=5)", out=tmp_path / "c", seed=1
    )
    key, kept = pl.col("variant") == "severity=5", ["sample", "margin"]
    one, two, three = (
        run.rows().filter(key).select(kept).sort("sample") for run in (alone, five, other)
    )
    assert one.equals(two)
    assert not one.equals(three)


def test_one_broken_image_is_one_failed_row(pictures: Path, tmp_path: Path) -> None:
    broken = pictures / "green" / "3.png"
    broken.write_bytes(broken.read_bytes()[:100])
    out = tmp_path / "out"
    run = rw.evaluate(colour_net(), f"imagefolder:{pictures}", QUICK, out=out)
    failed = run.rows().filter(pl.col("status") == "failed")
    assert failed["sample"].unique().to_list() == ["green/3.png"]
    assert len(failed) == len(QUICK)
    assert "truncated PNG" in failed["reason"][0]
    assert {row["failed"] for row in run.summary["rows"]} == {1}
    of_attacked = ("success_rate", "median_linf", "median_linf_per_pixel")
    others = [row for row in run.summary["rows"] if row["metric"] not in of_attacked]
    assert {row["n"] for row in others} == {23}
    lines = (out / "failures.jsonl").read_text().splitlines()
    assert len(lines) == 1
    assert json.loads(lines[0])["sample"] == "green/3.png"


def test_nan_logits_are_failed_rows_and_reach_no_metric(pictures: Path, tmp_path: Path) -> None:
    class Poisoned(ColourNet):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            out = super().forward(x)
            return torch.where(x[:, :1, 0, 0] > 0.5, torch.nan, out)

    model = rw.wrap(Poisoned(), size=16, name="poisoned")
    run = rw.evaluate(model, f"imagefolder:{pictures}", QUICK, out=tmp_path / "out")
    rows = run.rows()
    failed = rows.filter(pl.col("status") == "failed")
    assert 0 < failed.filter(pl.col("stress") == "clean").height < 24
    assert failed["reason"].str.contains("NaN or infinite logits").all()
    for row in run.summary["rows"]:
        assert row["value"] is None or np.isfinite(row["value"])


def test_top1_of_the_summary_is_that_of_the_rows(pictures: Path, tmp_path: Path) -> None:
    run = rw.evaluate(colour_net(), f"imagefolder:{pictures}", QUICK, out=tmp_path / "out")
    rows = run.rows()
    for spec in ("clean", "jpeg(quality=30)"):
        mine = rows.filter(pl.col("stress") == spec)
        variant = mine["variant"][0]
        assert _top1(run, spec, variant) == pytest.approx(100 * mine["correct"].mean())  # type: ignore[operator]
    pooled = _top1(run, QUICK[1])
    weak, strong = (_top1(run, QUICK[1], f"severity={s}") for s in (1, 5))
    assert pooled == pytest.approx((weak + strong) / 2)


def test_a_model_without_gradient_gets_a_row_that_says_so(pictures: Path, tmp_path: Path) -> None:
    from dataclasses import replace

    from roadworthy.types import Need

    blind = replace(colour_net(), gives=frozenset({Need.LOGITS}), spec="blind")  # type: ignore[type-var]
    data, stress = f"imagefolder:{pictures}", "pgd(eps=4/255)"
    run = rw.evaluate([colour_net(), blind], data, stress, out=tmp_path / "out")
    assert [(u["model"], u["stress"]) for u in run.summary["unavailable"]] == [("blind", stress)]
    with pytest.raises(rw.UsageError, match="can run on none of the models: needs gradient"):
        rw.evaluate(blind, data, stress, out=tmp_path / "other")


def test_another_seed_is_another_request(pictures: Path, tmp_path: Path) -> None:
    data, stress = f"imagefolder:{pictures}", "gaussian_noise(severity=5)"
    first = rw.evaluate(colour_net(), data, stress, out=tmp_path / "out").rows()
    again = rw.evaluate(colour_net(), data, stress, out=tmp_path / "out", seed=1).rows()
    assert _last(tmp_path / "out")["decodes"] == 24
    key = ["stress", "sample"]
    assert not first.sort(key)["margin"].equals(again.sort(key)["margin"])
