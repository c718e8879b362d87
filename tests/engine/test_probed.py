"""A probe in a run: its columns, its draws, what it leaves alone, and what the report says of it."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
import torch
from engine_world import colour_net, write_pictures

import roadworthy as rw
from roadworthy.engine.records import COLUMNS
from roadworthy.report.warned import Warned
from roadworthy.run import CellRecord
from roadworthy.stress import STRESSES
from roadworthy.stress.measured import Measured

SPEC = "clever(batches=8, draws=6, norm=[L2, Linf])"
CLEVER = [name for name in COLUMNS if name.startswith("clever")]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"imagefolder:{write_pictures(tmp_path_factory.mktemp('probed') / 'p', each=7)}"


def rows_of(run: rw.Run, stress: str = "clever") -> pl.DataFrame:
    named = run.rows().filter(pl.col("stress").str.starts_with(stress))
    return named.sort("variant", "sample")


def test_right_images_get_scores_and_wrong_ones_none(data: str, tmp_path: Path) -> None:
    run = rw.evaluate(colour_net(), data, [SPEC], out=tmp_path)
    rows, clean = rows_of(run), rows_of(run, "clean")
    right = rows.filter(status="ok")
    assert 0 < len(right) < len(rows) == 42
    assert right["correct"].all()
    assert right["clever"].is_not_null().all()
    assert (right["clever"] > 0).all()
    assert (right["clever_low"] <= right["clever"]).all()
    wrong = rows.filter(status="clean_error")
    assert not wrong["correct"].any()
    for name in (*CLEVER, "forwards", "backwards", "queries"):
        assert wrong[name].is_null().all(), name
    assert (
        right["forwards"] == 54
    ).all()  # 8 batches, and the first a second time, at half the radius
    assert (right["backwards"] == 2 * 54).all()
    # the images are left as they are, and no metric takes the probe for an attack
    again = rows.filter(variant="norm=L2").select("sample", "conf", "pred", "label")
    assert again.equals(clean.select("sample", "conf", "pred", "label"))
    assert rows["norm"].is_null().all()
    assert rows["success"].is_null().all()
    named = {row["metric"] for row in run.summary["rows"] if row["stress"].startswith("clever")}
    assert {"clever", "median_clever"} <= named
    assert not {"robust_top1", "success_rate", "curve_area", "median_l2"} & named
    pooled = [r for r in run.summary["rows"] if r["metric"] == "clever" and not r["variant"]]
    assert not pooled


def test_no_score_depends_on_the_batch(data: str, tmp_path: Path) -> None:
    one = rw.evaluate(colour_net(), data, [SPEC], out=tmp_path / "a")
    other = rw.evaluate(colour_net(), data, [SPEC], out=tmp_path / "b", batch_size=1)
    left, right = rows_of(one), rows_of(other)
    for name in CLEVER:
        if left[name].dtype.is_float():
            assert left[name].fill_null(0).to_list() == pytest.approx(
                right[name].fill_null(0).to_list(), rel=1e-3
            )
        else:
            assert left[name].to_list() == right[name].to_list()


def test_a_target_stands_in_its_column(data: str, tmp_path: Path) -> None:
    run = rw.evaluate(
        colour_net(), data, ["clever(batches=5, draws=4, target=least)"], out=tmp_path
    )
    rows = rows_of(run)
    right = rows.filter(status="ok")
    assert (right["clever_class"] == right["target"]).all()
    assert (right["target"] != right["label"]).all()
    untargeted = rows_of(
        rw.evaluate(colour_net(), data, ["clever(batches=5, draws=4)"], out=tmp_path / "u")
    )
    assert untargeted["target"].is_null().all()
    both = right.join(untargeted, on="sample", suffix="_any")
    assert (both["clever"] >= 0.8 * both["clever_any"]).all()


def test_probes_are_measured_in_float32(
    data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[torch.dtype] = []
    item = STRESSES.get("clever")
    original = item.function

    def spying(model: object, x: torch.Tensor, *rest: object, **given: object) -> Measured:
        seen.append(model.logits(x).dtype)  # type: ignore[attr-defined]
        found: Measured = original(model, x, *rest, **given)
        return found

    monkeypatch.setitem(item.__dict__, "function", spying)
    rw.evaluate(colour_net(), data, ["clever(batches=2, draws=2)"], out=tmp_path, precision="bf16")
    assert seen
    assert set(seen) == {torch.float32}


def test_transfer_runs_measure_each_model_once(data: str, tmp_path: Path) -> None:
    run = rw.evaluate(
        [colour_net(name="a"), colour_net(name="b")],
        data,
        ["clever(batches=2, draws=2)"],
        out=tmp_path,
        transfer=True,
    )
    rows = rows_of(run)
    assert (rows["model"] == rows["source"]).all()
    assert len(rows) == 2 * 21


def test_what_is_no_measurement_is_refused(
    data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(STRESSES.get("clever").__dict__, "function", lambda *_, **__: None)
    with pytest.raises(rw.RoadworthyError, match="returned no Measured"):
        rw.evaluate(colour_net(), data, ["clever(batches=2, draws=2)"], out=tmp_path)


@pytest.mark.parametrize(("poor", "said"), [(0, False), (1, False), (2, True), (10, True)])
def test_many_poor_fits_are_a_warning(poor: int, said: bool) -> None:
    rules = ["maximum"] * poor + ["weibull"] * (10 - poor) + ["constant"] * 5 + [None]
    rows = pl.DataFrame(
        {
            "flags": [[]] * 16,
            "broken_by": [None] * 16,
            "clever_p": [0.0] * poor + [0.5] * (10 - poor) + [None] * 6,
            "clever_rule": rules,
            "clever": [1.0] * 16,
            "clever_half": [1.2] * 16,
        },
        schema_overrides={"flags": pl.List(pl.String), "broken_by": pl.String},
    )
    warned = Warned()
    warned.add(CellRecord("d", "m", "clever", "fp32", "r", "l"), "m", rows)
    assert [row["flag"] for row in warned.rows()] == ["poor_fits"] * said


@pytest.mark.parametrize(("lower", "said"), [(0, False), (5, False), (6, True), (10, True)])
def test_steeper_slopes_within_half_the_radius_are_a_warning(lower: int, said: bool) -> None:
    rows = pl.DataFrame(
        {
            "flags": [[]] * 12,
            "broken_by": [None] * 12,
            "clever_p": [0.5] * 12,
            "clever_rule": ["weibull"] * 12,
            "clever": [1.0] * 10 + [None] * 2,
            "clever_half": [0.8] * lower + [0.95] * (10 - lower) + [None] * 2,
        },
        schema_overrides={"flags": pl.List(pl.String), "broken_by": pl.String},
    )
    warned = Warned()
    warned.add(CellRecord("d", "m", "clever", "fp32", "r", "l"), "m", rows)
    assert [row["flag"] for row in warned.rows()] == ["missed_slopes"] * said
