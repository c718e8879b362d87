"""Several processes that fill one folder, loaded and waiting before the clock starts."""

from __future__ import annotations

import multiprocessing
import shutil
import tempfile
from pathlib import Path
from typing import Any

from bench.race import Work
from roadworthy.engine.store import Store

Pipe = Any  # multiprocessing.connection.Connection, which is generic in some typeshed versions


def engines(count: int, model: str, data: str, stress: str, limit: int) -> Work:
    """Run one plan with ``count`` engines, each in a process of its own with its share of units."""
    context = multiprocessing.get_context("spawn")
    pipes: list[Pipe] = []
    for index in range(count):
        here, there = context.Pipe()
        arguments = (there, index, count, model, data, stress, limit)
        context.Process(target=_serve, args=arguments, daemon=True).start()
        pipes.append(here)
    for pipe in pipes:
        pipe.recv()

    def run() -> str:
        folder = tempfile.mkdtemp(prefix="roadworthy-bench-")
        Store.create(Path(folder))
        for pipe in pipes:
            pipe.send(folder)
        for pipe in pipes:
            pipe.recv()
        return folder

    return Work(run, answer=_answer)


def _serve(
    pipe: Pipe, index: int, count: int, model: str, data: str, stress: str, limit: int
) -> None:
    from roadworthy.engine.allocator import keep_memory
    from roadworthy.engine.execute import BLOCK, Engine
    from roadworthy.engine.live import Quiet
    from roadworthy.engine.options import Options
    from roadworthy.engine.store import Store
    from roadworthy.engine.workers import unit_size
    from roadworthy.evaluation import prepare

    keep_memory()
    options = Options(limit=limit)
    plan = prepare([model], [data], [stress], options).plan
    unit = unit_size(plan, count) if count > 1 else BLOCK
    pipe.send("ready")
    while True:
        try:
            store = Store(Path(pipe.recv()))
        except EOFError:  # the parent has ended
            return
        Engine(store, options, Quiet(), block=unit, turn=(index, count)).run(plan)
        pipe.send("done")


def _answer(folder: str) -> dict[str, int]:
    """Return the sum of predictions of each sample over all variants, and remove the folder."""
    import polars as pl

    rows = pl.read_parquet(Path(folder) / "records" / "**" / "*.parquet")
    shutil.rmtree(folder)
    found = rows.group_by("sample").agg(pl.col("pred").sum()).sort("sample")
    return dict(found.iter_rows())
