"""The processes executor: several engines fill one folder, each with its share of the cores."""

from __future__ import annotations

import multiprocessing
import os
import queue
import socket
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path
from typing import Any

import polars as pl

from roadworthy.engine.execute import BLOCK
from roadworthy.engine.files import disk_errors
from roadworthy.engine.leases import who
from roadworthy.engine.live import Quiet, Watcher
from roadworthy.engine.options import Options, cores
from roadworthy.engine.plan import Cell, Plan
from roadworthy.engine.remaining import remaining
from roadworthy.engine.store import Store
from roadworthy.engine.units import SMALLEST_UNIT
from roadworthy.errors import EXIT_INTERRUPTED, RoadworthyError

UNITS_PER_WORKER = 4
PATIENCE_SECONDS = 0.2
SEEN = ("sample", "correct", "frames_correct")


@dataclass(frozen=True)
class Share:
    """What one worker is told: the job as text, and which of how many it is."""

    models: tuple[str, ...]
    data: tuple[str, ...]
    stresses: tuple[str, ...]
    suites: tuple[str, ...]
    options: Options
    folder: str
    index: int
    count: int
    unit: int


def unit_size(plan: Plan, count: int) -> int:
    """Return samples per unit: a few units for each worker, in steps that keep batches the same."""
    largest = max((len(cell.source.samples) for cell in plan.cells), default=1)
    share = ceil(largest / (count * UNITS_PER_WORKER) / SMALLEST_UNIT) * SMALLEST_UNIT
    return max(SMALLEST_UNIT, min(BLOCK, share))


def run_processes(plan: Plan, share: Share, watcher: Watcher, crafted: Counter[str]) -> list[str]:
    """Run a plan in ``share.count`` processes; returns a sentence for each worker that died.

    Every worker loads the models, and takes units of samples under leases; it reads, decodes and
    judges a unit whole, so that no frame crosses from one process to another. What they attacked is
    added to ``crafted``. Raises the first RoadworthyError of a worker.
    """
    context = multiprocessing.get_context("spawn")
    messages: Any = context.Queue()
    threads = max(1, cores() // share.count)
    watcher.start(_left(plan, share))
    cells = {cell.request: cell for cell in plan.cells}
    with _environment("OMP_NUM_THREADS", str(threads)):
        workers = [
            context.Process(target=work, args=(replace(share, index=i), messages), daemon=True)
            for i in range(share.count)
        ]
        for worker in workers:
            worker.start()
    try:
        ours = [who(worker.pid, socket.gethostname()) for worker in workers]
        while any(worker.is_alive() for worker in workers):
            _listen(messages, cells, watcher, crafted, ours)
        _listen(messages, cells, watcher, crafted, ours)
    finally:
        for worker in workers:
            if worker.is_alive():
                worker.join(timeout=10)
            if worker.is_alive():
                worker.terminate()
                worker.join()
    return [
        f"worker {index} died (exit code {worker.exitcode}); what it had not finished is done again"
        for index, worker in enumerate(workers)
        if worker.exitcode not in (0, EXIT_INTERRUPTED)
    ]


def _left(plan: Plan, share: Share) -> list[tuple[Cell, int]]:
    """Return the cells with work left and how many samples each still needs."""
    left = remaining(Store(Path(share.folder)), plan.cells, retry_failed=share.options.retry_failed)
    counts = [(cell, len(left[cell.request])) for cell in plan.cells]
    return [(cell, count) for cell, count in counts if count]


def _listen(
    messages: Any,
    cells: dict[str, Cell],
    watcher: Watcher,
    crafted: Counter[str],
    workers: Sequence[str],
) -> None:
    """Pass on what the ``workers`` say until they are silent for a moment."""
    while True:
        try:
            kind, what, rows = messages.get(timeout=PATIENCE_SECONDS)
        except queue.Empty:
            return
        if kind == "error":
            raise what
        if kind == "crafted":
            crafted.update(what)
            continue
        if kind == "waiting":
            if others := [owner for owner in what if owner not in workers]:
                watcher.waiting(others)
            continue
        if what in cells:  # else of a stage that follows from the results
            watcher.judged(cells[what], rows)


class Reporter(Quiet):
    """Tells the parent what a worker has judged."""

    def __init__(self, send: Callable[[Any], None]) -> None:
        self.send = send
        self.awaited: Sequence[str] = ()

    def judged(self, cell: Cell, rows: pl.DataFrame) -> None:
        """Send the columns that a running metric needs; stop where nobody is left to hear it."""
        self._heard()
        self.send(("rows", cell.request, rows.select(SEEN)))

    def waiting(self, owners: Sequence[str]) -> None:
        """Send for whom the worker waits, if it is not said yet; the parent knows its other workers."""
        self._heard()
        if owners != self.awaited:
            self.awaited = owners
            self.send(("waiting", list(owners), None))

    def _heard(self) -> None:
        parent = multiprocessing.parent_process()
        if parent is not None and not parent.is_alive():
            raise KeyboardInterrupt


def work(share: Share, messages: Any) -> None:
    """Do one worker's share; the entry point of the process."""
    from roadworthy.engine.allocator import keep_memory

    keep_memory()
    try:
        with disk_errors(Path(share.folder)):
            _work(share, messages)
    except KeyboardInterrupt:
        messages.cancel_join_thread()
        sys.exit(EXIT_INTERRUPTED)
    except RoadworthyError as error:
        messages.put(("error", error, None))


def _work(share: Share, messages: Any) -> None:
    from roadworthy.engine.execute import Engine
    from roadworthy.engine.store import Store
    from roadworthy.evaluation import prepare, run_prepared

    options = replace(share.options, device=_device(share))
    stresses = [*share.suites, *share.stresses]
    prepared = prepare(list(share.models), list(share.data), stresses, options)
    engine = Engine(
        Store(Path(share.folder)),
        options,
        Reporter(messages.put),
        block=share.unit,
        turn=(share.index, share.count),
    )
    try:
        run_prepared(engine, prepared, lambda _stage: None)
    finally:
        messages.put(("crafted", dict(engine.crafted), None))


def processes(device: str) -> int:
    """Return how many workers there are: one for each core, or for each accelerator if that is meant."""
    return cores() if device == "cpu" else max(1, _accelerators(device))


def _accelerators(device: str) -> int:
    """Return how many accelerators ``device`` stands for: all of a kind, or the one it numbers."""
    import torch

    if ":" in device or not torch.accelerator.is_available():
        return 1
    return torch.accelerator.device_count()


def _device(share: Share) -> str:
    """Return the accelerator of a worker: one each where there are several of the kind asked for."""
    kind = share.options.device
    found = 1 if kind == "cpu" else _accelerators(kind)
    return f"{kind}:{share.index % found}" if found > 1 else kind


@contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(name)
        else:
            os.environ[name] = before
