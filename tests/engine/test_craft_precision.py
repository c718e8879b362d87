"""Attacks may search in bfloat16; what they find counts only in float32."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import torch
from engine_world import ColourNet, write_pictures
from torch import Tensor

import roadworthy as rw
from roadworthy.types import Classes

SPECS = ("pgd(eps=12/255, steps=4)", "cascade(pgd(steps=2), pgd(steps=6), eps=12/255)")


class Rounding(ColourNet):
    """Says under autocast that every image is of another class, and notes in what it ran."""

    seen: list[bool] = []  # noqa: RUF012

    def forward(self, x: Tensor) -> Tensor:
        inside = torch.is_autocast_enabled("cpu")
        self.seen.append(inside)
        out = super().forward(x.float())
        return out.roll(1, dims=1) if inside else out


def test_what_succeeds_only_in_bfloat16_is_no_success(tmp_path: Path) -> None:
    data = f"imagefolder:{write_pictures(tmp_path / 'pictures', each=6)}"
    model = rw.wrap(Rounding(), size=16, name="rounding", classes=Classes(3))
    exact = rw.evaluate(model, data, SPECS, out=tmp_path / "exact").rows()
    Rounding.seen.clear()
    searched = rw.evaluate(model, data, SPECS, out=tmp_path / "bf16", precision="bf16").rows()
    assert {True, False} == set(Rounding.seen)
    attacked = searched.filter(pl.col("norm").is_not_null(), pl.col("status") == "ok")
    assert len(attacked)
    assert (attacked["precision"] == "fp32").all()
    # The first iterate is a success in bfloat16; in float32 hardly any stands up.
    assert attacked["success"].sum() < exact["success"].sum()
    assert (attacked["success"] == (attacked["pred"] != attacked["label"])).all()
    cascade = attacked.filter(pl.col("stress").str.starts_with("cascade"))
    assert (cascade["broken_by"].is_not_null() == cascade["success"]).all()


def test_the_precision_of_the_search_is_part_of_the_request(tmp_path: Path) -> None:
    data = f"imagefolder:{write_pictures(tmp_path / 'pictures', each=2)}"
    model = rw.wrap(ColourNet(), size=16, name="colours", classes=Classes(3))
    for precision in ("fp32", "bf16"):
        run = rw.evaluate(model, data, SPECS[:1], out=tmp_path / "run", precision=precision)
    requests = {
        cell["request"] for one in run.runs for cell in one["cells"] if cell["stress"] != "clean"
    }
    assert len(requests) == 2
