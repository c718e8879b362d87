"""A results folder that never was: made-up records, and a summary counted from them by hand."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from PIL import Image

from roadworthy.engine.records import SCHEMA
from roadworthy.report.blocks import Block, Sentences
from roadworthy.report.evidence import Evidence
from roadworthy.report.figure import Figure
from roadworthy.report.html import written
from roadworthy.report.judged import Judged
from roadworthy.run import CellRecord

MODEL = "demo/efficientnet_lite0"
OTHER = "torch:tests/models/cifar_resnet.py:resnet20(checkpoint=../shared/models/resnet20.th)"
DATA = "demo/photos"

# (stress, [(variant, accuracy)])
CELLS: dict[str, list[tuple[str, float]]] = {
    "clean": [("", 0.88)],
    "gaussian_noise(severity=1..5)": [
        (f"severity={s}", a) for s, a in enumerate((0.85, 0.8, 0.65, 0.45, 0.2), 1)
    ],
    "translate": [("", 0.84)],
    "pgd(eps=1/255, steps=10)": [("eps=1/255", 0.05)],
    "jpeg(quality=30)": [("quality=30", 0.84)],
    "resizer(resize=opencv-nearest)": [("resize=opencv-nearest", 0.82)],
    "precision(dtype=bf16)": [("dtype=bf16", 0.88)],
}


def picture(seed: int, *, size: tuple[int, int] = (400, 300)) -> bytes:
    """Return a JPEG of a coloured gradient."""
    x, y = np.meshgrid(np.linspace(0, 1, size[0]), np.linspace(0, 1, size[1]))
    tint = np.random.default_rng(seed).uniform(0.2, 1, 3)
    pixels = np.stack([x * tint[0], y * tint[1], (1 - x) * tint[2]], axis=-1) * 255
    buffer = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


@dataclass
class FakeView:
    """Implements ``roadworthy.report.view.View`` from values."""

    folder: Path
    summary: dict[str, Any]
    runs: list[dict[str, Any]] = field(default_factory=list)
    records: pl.DataFrame = field(default_factory=SCHEMA.to_frame)
    images: dict[str, bytes] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    columns: dict[str, dict[str, Any]] = field(default_factory=dict)
    failures: list[dict[str, Any]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def rows(self, wanted: Callable[[str], bool] | None = None) -> pl.DataFrame:
        if wanted is None:
            return self.records
        return self.records.filter([wanted(stress) for stress in self.records["stress"]])

    @property
    def cache(self) -> Path | None:
        return None

    def listed(self, data: str) -> pl.DataFrame:
        rows = [(sample, json.dumps(told)) for sample, told in self.columns.items()]
        return pl.DataFrame(rows, {"sample": pl.String, "columns": pl.String}, orient="row")

    @property
    def answers(self) -> list[Any]:
        return []

    def artifact(self, entry: Mapping[str, Any]) -> None:
        return None

    def ranked(self, entry: Mapping[str, Any]) -> None:
        return None

    def image(self, data: str, sample: str) -> bytes | None:
        return self.images.get(sample)

    def class_name(self, model: str, label: int) -> str:
        return self.names[label] if label < len(self.names) else f"class {label}"


def records(*, n: int = 50, models: tuple[str, ...] = (MODEL,), seed: int = 0) -> pl.DataFrame:
    """Return records of every cell: ``n`` samples of ten classes, each with its own difficulty."""
    rng = np.random.default_rng(seed)
    hard = rng.uniform(size=n)
    made: list[dict[str, Any]] = []
    for m, model in enumerate(models):
        for stress, variants in CELLS.items():
            for variant, accuracy in variants:
                for i in range(n):
                    row = _row(rng, i, bool(hard[i] < accuracy - 0.05 * m), stress)
                    made.append({"model": model, "stress": stress, "variant": variant, **row})
    return pl.DataFrame(made, schema=SCHEMA)


def _row(rng: np.random.Generator, i: int, right: bool, stress: str) -> dict[str, Any]:
    label = i % 10
    pred = label if right else (label + 1 + i % 3) % 10
    conf = float(rng.uniform(0.5, 1.0) if right else rng.uniform(0.2, 0.95))
    row: dict[str, Any] = {"sample": f"photos/{i:03d}.jpg", "data": DATA, "status": "ok"}
    row |= {"source": None, "label": label, "pipeline": "pipeline(size=224)"}
    row["content"] = row["sample"]
    if stress != "translate":
        return {**row, "pred": pred, "correct": right, "correct5": True, "conf": conf}
    kept = [right and k % 7 != 3 for k in range(31)]
    preds = [label if ok else pred if pred != label else (label + 1) % 10 for ok in kept]
    return {**row, "frames_pred": preds, "frames_correct": kept, "frames_conf": [conf] * 31}


def summary(rows: pl.DataFrame) -> dict[str, Any]:
    """Return the summary of ``records(...)``: top1, drop, and what a run would say by axis."""
    models = rows["model"].unique(maintain_order=True).to_list()
    out: list[dict[str, Any]] = []
    for model in models:
        for stress, variants in CELLS.items():
            own = rows.filter((pl.col("model") == model) & (pl.col("stress") == stress))
            clean = _accuracy(
                rows.filter((pl.col("model") == model) & (pl.col("stress") == "clean"))
            )
            pooled = [""] if len(variants) > 1 else []
            for variant in [*pooled, *(v for v, _ in variants)]:
                cell = own if not variant else own.filter(pl.col("variant") == variant)
                out += _metrics(model, stress, variant, cell, clean)
    return {
        "schema": 1,
        "run": {
            "roadworthy": "0.1.0",
            "seed": 0,
            "precision": "fp32",
            "models": [
                {
                    "spec": model,
                    "id": f"{model.partition('(')[0]}@5f3a9c1e",
                    "pipeline": "pillow · bicubic 256 · centre crop 224",
                    "parameters": 4_652_008,
                }
                for model in models
            ],
            "data": [{"spec": DATA, "samples": 50, "available": 50, "labels": "matched by name"}],
            "stresses": list(CELLS),
        },
        "rows": out,
        "per_class": _per_class(rows),
        **pictures_of(rows),
        "unavailable": [],
    }


def pictures_of(rows: pl.DataFrame) -> dict[str, Any]:
    """Return what a summary says of the pictures behind ``rows``, cell by cell."""
    images = rows.select("sample", "content").unique("sample").sort("sample")
    numbers = images.select("sample").with_row_index("number")
    numbered = (
        rows.join(numbers, on="sample", maintain_order="left")
        .with_columns(sample=pl.col("number"))
        .drop("number")
    )
    found = Judged()
    clean: dict[str, pl.DataFrame] = {}
    keys = ["model", "data", "stress"]
    for (model, data, stress), part in numbered.partition_by(
        keys, as_dict=True, maintain_order=True
    ).items():
        if stress == "clean":
            clean[model] = part
        cell = CellRecord(data, model, stress, "fp32", "", "")
        found.add(cell, model, part, clean.get(model), images)
    # what a summary holds is what JSON makes of it
    made: dict[str, Any] = json.loads(json.dumps(found.results()))
    return made


def _accuracy(rows: pl.DataFrame) -> float:
    frames = rows["frames_correct"].drop_nulls().explode()
    value = pl.concat([rows["correct"].drop_nulls(), frames.drop_nulls()]).mean()
    assert isinstance(value, float)
    return 100 * value


def _metrics(
    model: str, stress: str, variant: str, cell: pl.DataFrame, clean: float
) -> list[dict[str, Any]]:
    n, top1 = cell["sample"].n_unique(), _accuracy(cell)
    values = {"top1": ("percent", top1), "ece": ("percent", 4.0 + (100 - top1) / 5)}
    values["nll"] = ("nats", (100 - top1) / 30)
    if stress != "clean":
        values |= {"drop": ("points", clean - top1), "disagreement": ("percent", (100 - top1) / 2)}
    if stress == "translate":
        values["flip_probability"] = ("percent", 12.5)
    if stress.startswith("pgd"):
        values["robust_top1"] = ("percent", top1)
    key = {"model": model, "data": DATA, "source": None, "stress": stress, "variant": variant}
    half = 196 * math.sqrt(0.25 / n) * 0.8
    return [
        {
            **key,
            "metric": metric,
            "unit": unit,
            "value": value,
            "low": max(value - half, -100 if unit == "points" else 0)
            if unit != "nats"
            else value - 0.3,
            "high": min(value + half, 100) if unit != "nats" else value + 0.3,
            "n": n,
            "failed": 0,
            "version": 1,
        }
        for metric, (unit, value) in values.items()
    ]


def _per_class(rows: pl.DataFrame) -> list[dict[str, Any]]:
    known = rows.filter(pl.col("correct").is_not_null())
    keys = ["model", "data", "stress", "label"]
    shares = known.group_by(*keys, maintain_order=True).agg(
        n=pl.col("sample").n_unique(), top1=100 * pl.col("correct").mean()
    )
    return [
        {
            **row,
            "name": f"name {row['label']}",
            "low": row["top1"] / 2,
            "high": 50 + row["top1"] / 2,
        }
        for row in shares.iter_rows(named=True)
    ]


def fake_view(folder: Path, *, models: tuple[str, ...] = (MODEL,)) -> FakeView:
    """Return a complete view: every axis, ten classes, fifty photographs."""
    rows = records(models=models)
    made = [picture(i) for i in range(4)]
    names = (
        "tench",
        "goldfish",
        "shark",
        "ray",
        "cock",
        "hen",
        "ostrich",
        "finch",
        "junco",
        "robin",
    )
    return FakeView(
        folder=folder,
        summary=summary(rows),
        runs=[
            {
                "command": ["roadworthy", "run", "-m", MODEL, "-d", DATA, "-s", "quick"],
                "started": "2026-11-22T03:00:00Z",
                "versions": {"python": "3.11.9", "torch": "2.14.0"},
                "hardware": {"cpu": "2 cores", "device": "cpu"},
            }
        ],
        records=rows,
        images={f"photos/{i:03d}.jpg": made[i % len(made)] for i in range(50)},
        names=names,
    )


def blocks_of(view: FakeView) -> dict[str, list[Block]]:
    """Return the blocks of every section of the page of ``view``, by the name of the section."""
    return {one.name: list(blocks) for one, blocks in written(Evidence(view))}


def said(summary: dict[str, Any]) -> str:
    """Return what the verdict says of all models of a summary, in one text."""
    blocks = blocks_of(FakeView(Path(), summary))["verdict"]
    found = [s for block in blocks if isinstance(block, Sentences) for s in block.sentences]
    return "\n".join(sentence.text for sentence in found)


def figures_of(summary: dict[str, Any], rows: pl.DataFrame) -> list[tuple[str, Figure]]:
    """Return the charts of a page, each with the name of its section."""
    found = blocks_of(FakeView(Path(), summary, records=rows))
    return [(name, b) for name, blocks in found.items() for b in blocks if isinstance(b, Figure)]
