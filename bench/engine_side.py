"""Sides that run roadworthy itself, and the bare loop over the same parts without the engine."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bench.race import Work
from roadworthy.data.order import order
from roadworthy.data.registry import open_data
from roadworthy.engine.forward import forward, to_input
from roadworthy.engine.options import DEFAULT_BATCH_SIZE, Precision, cores
from roadworthy.evaluation import evaluate, use_cores
from roadworthy.models.load import load
from roadworthy.pipeline.base import run as frame_of
from roadworthy.run import Run
from roadworthy.types import Sample


def engine(
    model: str,
    data: str,
    stress: str = "clean",
    precision: Precision = "fp32",
    limit: int | None = None,
) -> Work:
    """Evaluate a loaded model on an opened data set into a new folder, metrics and all."""
    use_cores()
    classifier, dataset = load(model), open_data(data)

    def run() -> Run:
        folder = Path(tempfile.mkdtemp(prefix="roadworthy-bench-"))
        return evaluate(
            classifier, dataset, stress, out=folder / "run", precision=precision, limit=limit
        )

    return Work(run, answer=predictions)


def predictions(run: Run) -> dict[str, int]:
    """Return the clean prediction of each sample, and remove the folder."""
    rows = run.rows().filter(stress="clean")
    found = dict(rows.select("sample", "pred").iter_rows())
    shutil.rmtree(run.folder.parent)
    return found


def bare(model: str, data: str, limit: int | None = None) -> Work:
    """Decode, preprocess and judge with the same pipeline, model and threads, and nothing else.

    Images are read by one thread or by all, whichever is faster.
    """
    use_cores()
    classifier, dataset = load(model), open_data(data)
    samples = order(dataset.samples, seed=0)[:limit]  # the same images in the same order

    def read(some: Sequence[Sample], threads: int) -> list[Any]:
        def work(start: int) -> list[Any]:
            chosen = some[start::threads]
            return [frame_of(dataset.read(s), classifier.pipeline, name=s.id) for s in chosen]

        if threads == 1:
            return work(0)
        frames: list[Any] = [None] * len(some)
        with ThreadPoolExecutor(threads) as pool:
            for start, made in enumerate(pool.map(work, range(threads))):
                frames[start::threads] = made
        return frames

    threads = min((1, cores()), key=lambda count: _seconds(partial(read, samples[:200], count)))

    def run() -> dict[str, int]:
        frames = read(samples, threads)
        found: dict[str, int] = {}
        for start in range(0, len(samples), DEFAULT_BATCH_SIZE):
            stop = start + DEFAULT_BATCH_SIZE
            x = to_input(np.stack(frames[start:stop]), "cpu")
            logits = forward(classifier, x, name=model)
            ids = (s.id for s in samples[start:stop])
            found.update(zip(ids, logits.argmax(1).tolist(), strict=True))
        return found

    return Work(run, answer=lambda found: found)


def _seconds(run: Callable[[], object]) -> float:
    """Return how long something takes, the best of three times."""
    times = []
    for _ in range(3):
        began = time.perf_counter()
        run()
        times.append(time.perf_counter() - began)
    return min(times)


def again(model: str, data: str, stress: str = "clean") -> Work:
    """Give the same command again, on a run that is finished: specs in, summary out."""
    folder = Path(tempfile.mkdtemp(prefix="roadworthy-bench-")) / "run"
    evaluate(model, data, stress, out=folder)

    def run() -> Run:
        return evaluate(model, data, stress, out=folder)

    return Work(run, answer=lambda found: found.summary["run"] and len(found.summary["rows"]))
