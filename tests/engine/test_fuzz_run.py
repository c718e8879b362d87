"""Thousands of mutated files through a whole run: each gives a row, and good images are judged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from engine_world import COLOURS, colour_net
from pipeline_files import SMALL, encoded, mutated, oriented, peak_memory, soft

import roadworthy as rw

MUTANTS = 2100
GROWTH_BYTES = 384 << 20
SEEDS = [
    SMALL["jpeg"],
    SMALL["progressive"],
    encoded(soft(64, 48), "JPEG", exif=oriented(6)),
    SMALL["png"],
    encoded(soft(16, 16)[..., 0], "PNG"),
    SMALL["webp"],
    SMALL["webp_lossless"],
]


def test_every_mutated_file_gives_a_row(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(20261130)
    names = []
    for number in range(MUTANTS):
        colour, end = COLOURS[number % 3], ("jpg", "png", "webp")[number % 3]
        path = tmp_path / "pictures" / colour / f"{number}.{end}"
        path.parent.mkdir(parents=True, exist_ok=True)
        # Whole ones between them show that those beside a broken one are judged.
        path.write_bytes(SEEDS[number % 7] if number % 50 == 0 else mutated(SEEDS, rng))
        names.append(f"{colour}/{path.name}")
    before = peak_memory()
    data = f"imagefolder:{tmp_path / 'pictures'}"
    run = rw.evaluate(colour_net(), data, "jpeg(quality=30)", out=tmp_path / "out")
    assert peak_memory() - before < GROWTH_BYTES
    for stress in ("clean", "jpeg(quality=30)"):
        rows = run.rows().filter(pl.col("stress") == stress)
        assert sorted(rows["sample"]) == sorted(names)
        counts = dict(rows["status"].value_counts().iter_rows())
        assert set(counts) == {"ok", "failed"}
        assert min(counts.values()) > MUTANTS // 20, counts
        reasons = rows.filter(pl.col("status") == "failed")["reason"]
        assert reasons.null_count() == 0
        assert not reasons.str.contains("\n").any()
        whole = rows.filter(pl.col("sample").is_in(names[::50]))
        assert whole["status"].to_list() == ["ok"] * (MUTANTS // 50)
    assert "Traceback" not in capfd.readouterr().err
