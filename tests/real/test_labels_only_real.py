"""Attacks without gradients on a real ImageNet network: by its decisions alone, and by its scores."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

import roadworthy as rw
from roadworthy.engine.artifacts import Artifacts
from roadworthy.models.load import load

pytestmark = [pytest.mark.shared, pytest.mark.slow, pytest.mark.demo]

LITE0 = "demo/efficientnet_lite0"
SILENT = f"labels_only({LITE0})"
JUMPS = "hopskipjump(queries=150, probes=20)"
SQUARE = "square(eps=8/255, queries=50)"
COUNT = 20


def _photographs(shared: Path) -> str:
    return f"csv:{shared / 'data' / 'imagenet_sample' / 'labels.csv'}"


def _attacked(run: rw.Run) -> pl.DataFrame:
    return run.rows().filter(pl.col("success").is_not_null())


def test_decisions_suffice_to_find_a_change_of_every_image(shared: Path, tmp_path: Path) -> None:
    run = rw.evaluate(
        SILENT, _photographs(shared), JUMPS, out=tmp_path / "out", limit=COUNT, keep=True
    )
    rows = _attacked(run)
    assert len(rows) >= 0.7 * COUNT  # those that the network knows
    assert rows["success"].all()
    assert (rows["pred"] != rows["label"]).all()
    assert rows["queries"].max() <= 150  # type: ignore[operator]
    assert rows["backwards"].sum() == 0
    # A walk along the boundary only comes nearer, and of 150 queries the later ones pay as well.
    after = rows["nearest_after"].list.get(0).to_numpy()
    distance = rows["l2"].to_numpy()
    assert ((distance > 0) & (distance <= after * 1.001)).all()
    print(
        f"median distance {np.median(after):.2f} after 100 queries, {np.median(distance):.2f} after 150"
    )
    assert np.median(distance) < 0.9 * np.median(after)
    # The network itself, not what stands before it, says the same of what was kept.
    judge, seen = load(LITE0), 0
    kept = Artifacts(run.folder)
    by_sample = {row["sample"]: row for row in rows.iter_rows(named=True)}
    for crafting in kept.craftings():
        for file in kept.files(crafting)[0]:
            ((_, made),) = file.read().items()
            names = [n for (n, _), there in zip(file.samples, made.made, strict=True) if there]
            with torch.no_grad():
                predicted = judge.logits(torch.from_numpy(made.x)).argmax(1).tolist()
            assert predicted == [by_sample[name]["pred"] for name in names]
            seen += len(names)
    assert seen == len(rows)


def test_scores_suffice_for_square(shared: Path, tmp_path: Path) -> None:
    # Square begins with stripes in random colours: the queries after the first have to pay.
    first = SQUARE.replace("queries=50", "queries=1")
    run = rw.evaluate(
        LITE0, _photographs(shared), [SQUARE, first], out=tmp_path / "out", limit=COUNT
    )
    rows = _attacked(run)
    assert rows["linf"].max() <= 8 / 255 + 1e-6  # type: ignore[operator]
    assert rows["backwards"].sum() == 0
    broken = dict(rows.group_by("stress").agg(pl.col("success").sum()).iter_rows())
    print(f"broken of {len(rows) // 2}: {broken}")
    assert 0 < broken[SQUARE] < len(rows) // 2
    # Where both failed the label is less sure of itself after 50 queries: none may be worse off.
    margins = rows.select("sample", "stress", "margin").pivot("stress", values="margin")
    assert (margins[SQUARE] <= margins[first] + 1e-4).all()
    assert (margins[SQUARE] < margins[first] - 1e-2).sum() >= len(margins) / 3


def test_square_is_unavailable_where_there_are_only_labels(shared: Path, tmp_path: Path) -> None:
    few = "hopskipjump(queries=60, probes=20)"
    run = rw.evaluate(
        SILENT, _photographs(shared), [SQUARE, few], out=tmp_path / "out", limit=COUNT // 5
    )
    (entry,) = (one for one in run.summary["unavailable"] if one["stress"] == SQUARE)
    assert entry["model"] == SILENT
    assert "probabilities" in entry["reason"]
    assert set(_attacked(run)["stress"]) == {few}
