"""A robustness curve over many budgets, and the one attack that it is read from."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import numpy as np
import polars as pl

from bench.race import Work
from roadworthy.data.registry import open_data
from roadworthy.evaluation import evaluate, use_cores
from roadworthy.metrics import robustness_curve
from roadworthy.models.load import load

BUDGETS = np.linspace(0, 16 / 255, 20).tolist()


def run(model: str, data: str, attack: str, limit: int, *, curve: bool) -> Work:
    """Attack into a new folder; with ``curve`` read robust accuracy at twenty budgets as well."""
    use_cores()
    classifier, dataset = load(model), open_data(data)

    def everything() -> list[float | None]:
        folder = Path(tempfile.mkdtemp(prefix="roadworthy-bench-"))
        done = evaluate(classifier, dataset, attack, out=folder / "run", limit=limit)
        points: list[float | None] = []
        if curve:
            rows = done.rows().filter(pl.col("norm").is_not_null())
            points = [point.estimate.value for point in robustness_curve(rows, BUDGETS)]
        shutil.rmtree(folder)
        return points

    return Work(everything, answer=lambda points: points)
