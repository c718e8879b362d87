"""Sides that only read what a large run left on disk: made-up parts, real files."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np
import polars as pl
from PIL import Image

from bench.race import Work
from roadworthy.engine.compact import compact
from roadworthy.engine.options import Options
from roadworthy.engine.plan import Cell
from roadworthy.engine.rows import Judged, judged_rows
from roadworthy.engine.store import Store
from roadworthy.evaluation import evaluate, prepare
from roadworthy.run import Run

PART = 1024
NEEDED = ("sample", "label", "correct", "status", "stress", "frames_correct")
COLOURS = """
from torch import nn


class Colours(nn.Module):
    def forward(self, x):
        return x.mean((2, 3))


def colours():
    return Colours()
"""


def pictures(folder: Path, count: int) -> str:
    """Make an image folder of ``count`` small files in three classes; returns its spec."""
    rng = np.random.default_rng(0)
    for label in range(3):
        (folder / str(label)).mkdir(parents=True)
        pixels = rng.integers(0, 256, (8, 8, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{label}.png")
    for number in range(count):
        label = number % 3
        os.link(folder / f"{label}.png", folder / str(label) / f"{number}.png")
    return f"imagefolder:{folder}"


def finished(files: int, cells: int, *, joined: bool) -> Work:
    """Give the same command again on a run of ``files`` samples and ``cells`` stresses, all done."""
    folder = Path(tempfile.mkdtemp(prefix="roadworthy-bench-"))
    (folder / "net.py").write_text(COLOURS)
    model = f"torch:{folder}/net.py:colours(size=8)"
    data = pictures(folder / "pictures", files)
    stresses = [f"gaussian_noise(scale={(i + 1) / 1000})" for i in range(cells - 1)]
    store = Store.create(folder / "run")
    plan = prepare([model], [data], stresses, Options()).plan
    for cell in plan.cells:
        write_parts(store, cell)
    if joined:
        compact(store, {cell.request for cell in plan.cells})
    evaluate(model, data, stresses, out=store.folder)

    def run() -> Run:
        return evaluate(model, data, stresses, out=store.folder)

    def answer(found: Run) -> int:
        assert found.runs[-1]["parts_written"] == 0, "something was judged again"
        parts = found.runs[-1]["parts"].values()
        assert sum(map(len, parts)) >= files // PART * cells
        return len(found.summary["rows"])

    return Work(run, answer=answer)


def write_parts(store: Store, cell: Cell) -> None:
    """Write made-up records for every sample of a cell, in parts as the engine cuts them."""
    rng = np.random.default_rng(int(cell.request[:8], 16))
    setting, samples = cell.stress.settings[0], cell.source.samples
    for start in range(0, len(samples), PART):
        chosen = samples[start : start + PART]
        labels = np.array([s.label for s in chosen], np.int32)
        pred = rng.integers(0, 3, len(chosen)).astype(np.int32)
        chance = rng.random(len(chosen))
        columns = {
            "label": labels,
            "pred": pred,
            "correct": pred == labels,
            "correct5": np.ones(len(chosen), bool),
            "correct_subset": pred == labels,
            "correct_full": pred == labels,
            "conf": chance,
            "conf_label": chance,
            "margin": chance - 0.5,
            "loss": chance,
            "entropy": chance,
            "brier": chance,
            "kl_ref": chance,
            "borderline": np.zeros(len(chosen), bool),
            "top5": [[0, 1, 2]] * len(chosen),
        }
        rows = judged_rows(cell, [Judged(setting, chosen, columns, range(len(chosen)))])
        footer = {"stress": cell.stress.spec, "seconds": 0.0}
        store.write_part(cell.request, chosen, rows.drop("_position"), footer=footer)


def metric(samples: int, variants: int) -> Work:
    """Compute top-1 with its interval over samples x variants made-up rows of one compacted cell."""
    from roadworthy.engine.records import SCHEMA
    from roadworthy.metrics.catalogue import METRICS

    folder = Path(tempfile.mkdtemp(prefix="roadworthy-bench-"))
    rng, rows = np.random.default_rng(0), samples * variants
    names = [f"class{i % 1000:03}/image{i:06}.JPEG" for i in range(samples)]
    known = {
        "sample": pl.Series(names * variants),
        "variant": pl.Series([f"severity={v + 1}" for v in range(variants)]).repeat_by(samples),
        "correct": pl.Series(rng.random(rows) < 0.6),
        "status": pl.Series(["ok"]).extend_constant("ok", rows - 1),
    }
    known["variant"] = known["variant"].explode()
    frame = pl.DataFrame(
        [
            known[name].alias(name).cast(dtype)
            if name in known
            else pl.repeat(None, rows, dtype=dtype, eager=True).alias(name)
            for name, dtype in SCHEMA.items()
        ]
    )
    path = folder / "joined.parquet"
    frame.write_parquet(path, compression="zstd")

    def run() -> float | None:
        scanned = pl.scan_parquet(path).select(NEEDED)
        value: float | None = METRICS["top1"].function(scanned.collect()).value
        return value

    return Work(run, answer=lambda found: found)
