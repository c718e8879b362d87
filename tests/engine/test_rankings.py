"""How far rankings move against clean, where the deployment of a model changes."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from engine_world import colour_net, write_pictures

import roadworthy as rw


def test_rankings_are_compared_where_the_deployment_changes(tmp_path: Path) -> None:
    """Columns against clean: of other readings and networks, not of corruptions."""
    data = write_pictures(tmp_path / "data", each=4)
    stresses = ["resizer(resize=opencv-nearest)", "resample(side=5)", "fog(severity=5)"]
    run = rw.evaluate(colour_net(), f"imagefolder:{data}", stresses, out=tmp_path / "r")
    rows = run.rows()
    known = rows.filter(pl.col("zipf_ref").is_not_null())
    assert set(known["stress"].str.split("(").list.first()) == {"resizer", "resample"}
    clean = rows.filter(pl.col("stress") == "clean").select("sample", before="top5")
    for top, before, zipf, moved in (
        known.join(clean, on="sample").select("top5", "before", "zipf_ref", "top5_ref").iter_rows()
    ):
        rank = {label: i + 1 for i, label in enumerate(top)}
        places = [(i + 1, rank[label]) for i, label in enumerate(before)]
        assert zipf == pytest.approx(sum(abs(1 / i - 1 / s) / i for i, s in places), abs=1e-6)
        assert moved == sum(abs(i - min(s, 6)) for i, s in places)
    assert (known["zipf_ref"] > 0).any()
