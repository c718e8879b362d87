"""Where a model answers NaN nobody is fooled, and an attack goes on from elsewhere."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import torch
from engine_world import ColourNet, write_pictures
from torch import Tensor

import roadworthy as rw
from roadworthy.types import Classes


class Holes(ColourNet):
    """Answers NaN for every image whose first element is in the upper half of the ball."""

    def forward(self, x: Tensor) -> Tensor:
        logits = super().forward(x)
        hole = (x[:, 0, 0, 0] * 255).frac() > 0.5
        return torch.where(hole[:, None], float("nan"), logits)


def test_no_image_leaves_for_a_hole_and_restarts_find_others_a_way(tmp_path: Path) -> None:
    data = f"imagefolder:{write_pictures(tmp_path / 'pictures', each=6)}"
    model = rw.wrap(Holes(), size=24, name="holes", classes=Classes(3))
    specs = [f"pgd(eps=40/255, steps=1, restarts={n})" for n in (1, 12)]
    rows = rw.evaluate(model, data, specs, out=tmp_path / "run").rows()
    once, often = (rows.filter(pl.col("stress").str.contains(f"restarts={n}")) for n in (1, 12))
    once = rows.filter(pl.col("stress") == "pgd(eps=40/255, steps=1)")
    assert not (rows["status"] == "failed").any()
    assert rows["margin"].is_finite().all()
    attacked = (once["status"] == "ok").sum()
    assert attacked > 5
    assert once["success"].sum() < attacked
    assert often["success"].sum() > once["success"].sum()
