"""Sides that read a run as large as all of ImageNet-C and write its page."""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from bench.race import Work
from roadworthy.engine.records import SCHEMA
from roadworthy.engine.store import Store
from roadworthy.report.html import write
from roadworthy.run import Run
from roadworthy.suites import resolve
from roadworthy.types import Sample

MODEL, DATA = "timm/resnet50.a1_in1k", "imagefolder:gone/val"
CLASSES = 1000


def large_run(samples: int, *, luck: int = 0) -> Path:
    """Write made-up records of a model on the whole suite ``imagenet_c``; returns the folder.

    Another ``luck`` is another model on the same samples.
    """
    folder = Path(tempfile.mkdtemp(prefix="roadworthy-bench-")) / "run"
    store = Store.create(folder)
    known = [
        Sample(f"n{i % CLASSES:08}/ILSVRC2012_val_{i:08}.JPEG", i % CLASSES, f"{i:016x}")
        for i in range(samples)
    ]
    manifest = store.write_manifest(known)
    stresses, suites = resolve(["clean(frame=imagenet)", "imagenet_c"])
    difficulty = np.random.default_rng(0).random(samples)
    cells = []
    for number, one in enumerate(stresses):
        request = f"{number:032x}"
        clean = one.name == "clean"
        keys = [setting.key for setting in one.settings]
        rows = pl.concat(
            _rows(known, difficulty, one.spec, key, 0 if clean else level, number + 1000 * luck)
            for level, key in enumerate(keys, 1)
        )
        store.write_part(request, known, rows.with_columns(request=pl.lit(request)), footer={})
        cells.append(
            {
                "data": DATA,
                "model": MODEL,
                "stress": one.spec,
                "precision": "fp32",
                "request": request,
                "manifest": manifest,
            }
        )
    about: dict[str, Any] = {
        "id": "made-up",
        "sequence": 1,
        "command": ["roadworthy", "run"],
        "options": {"seed": 0, "precision": "fp32"},
        "versions": {"roadworthy": "0.1.0"},
        "models": [{"spec": MODEL, "id": f"{MODEL}@0", "classes": None}],
        "data": [{"spec": DATA, "samples": samples, "manifest": manifest}],
        "suites": [suite.as_dict() for suite in suites],
        "cells": cells,
        "unavailable": [],
    }
    store.write_json("runs/made-up.json", about)
    return folder


def _rows(
    samples: list[Sample], hard: Any, stress: str, variant: str, level: int, number: int
) -> pl.DataFrame:
    rng = np.random.default_rng(100 * number + level)
    size = len(samples)
    right = hard + rng.normal(0, 0.1, size) < 0.8 - 0.1 * level
    labels = np.array([sample.label for sample in samples], np.int32)
    pred = np.where(right, labels, rng.integers(0, CLASSES, size)).astype(np.int32)
    floats = rng.random((10, size), dtype=np.float32)
    known: dict[str, Any] = {
        "sample": [sample.id for sample in samples],
        "content": [sample.content for sample in samples],
        "label": labels,
        "pred": pred,
        "correct": right,
        "correct5": right | (floats[0] < 0.5),
        "correct_subset": right,
        "correct_full": right,
        **dict(
            zip(
                ("conf", "conf_label", "margin", "loss", "entropy", "brier", "kl_ref"),
                floats,
                strict=False,
            )
        ),
        "zipf_ref": floats[7],
        "top5_ref": floats[8],
        "top5": rng.integers(0, CLASSES, (size, 5)).astype(np.int32).tolist(),
        "borderline": floats[9] < 0.001,
    }
    same: dict[str, Any] = {
        "data": DATA,
        "model": MODEL,
        "model_id": f"{MODEL}@0",
        "stress": stress,
        "variant": variant,
        "version": 1,
        "status": "ok",
        "severity": level or None,
        "frame_size": "224x224",
        "pipeline": "pipeline(size=224, resize=pillow-bilinear)",
        "precision": "fp32",
        "family": "resnet",
        "training": "in1k",
        "parameters": 25_557_032,
    }
    series = [
        pl.Series(name, known[name], dtype=dtype)
        if name in known
        else pl.repeat(same.get(name), size, dtype=dtype, eager=True).alias(name)
        for name, dtype in SCHEMA.items()
    ]
    return pl.DataFrame(series)


def folder_of(samples: int) -> Path:
    """Return the folder of a `large_run` that another process made, so that it costs no memory here."""
    code = f"from bench.report_side import large_run; print(large_run({samples}))"
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return Path(made.stdout.strip())


def peak() -> float:
    """Return the most memory that this process ever held, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def read_all(samples: int) -> Work:
    """Read every column of every record once, as polars does it."""
    paths = sorted((folder_of(samples) / "records").glob("*/*.parquet"))

    def run() -> int:
        return sum(pl.read_parquet(path).height for path in paths)

    return Work(run, answer=lambda _: peak())


def metrics(samples: int) -> Work:
    """Compute every metric from the records."""
    folder = folder_of(samples)

    def run() -> int:
        return len(Run(folder).summary["rows"])

    return Work(run, answer=lambda _: peak())


def page(samples: int, *, cold: bool) -> Work:
    """Write the page: ``cold`` from the records alone, else from summary.json."""
    folder = folder_of(samples)
    summary = folder / "summary.json"
    if not cold:
        made = Run(folder)
        made.store.write_json("summary.json", made.summary)

    def run() -> int:
        if cold:
            summary.unlink(missing_ok=True)
            shutil.rmtree(folder / "page", ignore_errors=True)
        return write(Run(folder), folder / "report.html").stat().st_size

    return Work(run, answer=lambda _: peak())
