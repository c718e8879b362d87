"""Watching a run: a live table of bars on a terminal, plain lines elsewhere, nothing when quiet."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Protocol

import polars as pl
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from roadworthy.engine.plan import Cell

LINE_EVERY_SECONDS = 5.0
AGAIN_SECONDS = 60.0


class Watcher(Protocol):
    """What the engine tells whoever watches."""

    def start(self, todo: list[tuple[Cell, int]]) -> None:
        """Announce the cells with work left and how many samples each still needs."""

    def preparing(self, samples: int) -> None:
        """Say that a block of ``samples`` is being read and decoded."""

    def judged(self, cell: Cell, rows: pl.DataFrame) -> None:
        """Report records that were just made."""

    def waiting(self, owners: Sequence[str]) -> None:
        """Say that all that is left is in the hands of other processes."""

    def finish(self) -> None:
        """Stop watching."""


class Running:
    """The running top-1 of each cell, over the records seen so far."""

    def __init__(self) -> None:
        self.right: dict[str, float] = {}
        self.rows: dict[str, int] = {}
        self.samples: dict[str, int] = {}

    def add(self, cell: Cell, rows: pl.DataFrame) -> None:
        """Count records."""
        correct = rows["correct"].drop_nulls()
        if cell.stress.definition.sequence or cell.films is not None:
            correct = rows["frames_correct"].explode().drop_nulls()
        key = cell.request
        self.right[key] = self.right.get(key, 0.0) + float(correct.sum() or 0)
        self.rows[key] = self.rows.get(key, 0) + len(correct)
        self.samples[key] = self.samples.get(key, 0) + rows["sample"].n_unique()

    def text(self, cell: Cell) -> str:
        """Return the running metric of a cell."""
        rows = self.rows.get(cell.request, 0)
        return f"top1 {100 * self.right[cell.request] / rows:5.1f}" if rows else ""


class Quiet:
    """Watches nothing."""

    def start(self, todo: list[tuple[Cell, int]]) -> None:
        """Ignore."""

    def preparing(self, samples: int) -> None:
        """Ignore."""

    def judged(self, cell: Cell, rows: pl.DataFrame) -> None:
        """Ignore."""

    def waiting(self, owners: Sequence[str]) -> None:
        """Ignore."""

    def finish(self) -> None:
        """Ignore."""


class Awaited:
    """Says for whom a run waits: at once, then every minute at most, and only what is new."""

    def __init__(self) -> None:
        self.owners: Sequence[str] = ()
        self.said = -AGAIN_SECONDS

    def text(self, owners: Sequence[str]) -> str:
        """Return the sentence, or an empty text where there is nothing to say."""
        now = time.monotonic()
        if owners == self.owners or now - self.said < AGAIN_SECONDS:
            return ""
        self.owners, self.said = owners, now
        return f"waiting for what is left: {' and '.join(owners) or 'another process'} is at it"


class Lines(Quiet):
    """Plain lines: one when a cell is done, and one every few seconds in between."""

    def __init__(self, stream: IO[str]) -> None:
        self.stream, self.running = stream, Running()
        self.todo: dict[str, int] = {}
        self.began = self.last = time.monotonic()
        self.awaited = Awaited()

    def start(self, todo: list[tuple[Cell, int]]) -> None:
        """Say how much there is to do."""
        self.todo |= {c.request: self.running.samples.get(c.request, 0) + n for c, n in todo}
        if todo:
            print(
                f"to judge: {len(todo)} cell{'s' * (len(todo) != 1)}", file=self.stream, flush=True
            )

    def judged(self, cell: Cell, rows: pl.DataFrame) -> None:
        """Print a line when a cell is complete, or when some seconds have passed."""
        self.running.add(cell, rows)
        done, total = self.running.samples[cell.request], self.todo[cell.request]
        now = time.monotonic()
        if done < total and now - self.last < LINE_EVERY_SECONDS:
            return
        self.last = now
        print(
            f"{now - self.began:6.0f} s  {done}/{total}  {self.running.text(cell)}  "
            f"{cell.stress.spec}  {cell.judge.spec}",
            file=self.stream,
            flush=True,
        )

    def waiting(self, owners: Sequence[str]) -> None:
        """Print a line when others come to be waited for."""
        if text := self.awaited.text(owners):
            print(text, file=self.stream, flush=True)


class Bars(Quiet):
    """Bars on a terminal, with the running metric and the time that is left."""

    def __init__(self, stream: IO[str]) -> None:
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[metric]}"),
            TimeRemainingColumn(),
            console=Console(file=stream),
        )
        self.running = Running()
        self.tasks: dict[str, TaskID] = {}
        self.awaited = Awaited()

    def start(self, todo: list[tuple[Cell, int]]) -> None:
        """Show one bar per cell with work left."""
        several = len({cell.judge.spec for cell, _ in todo}) > 1
        for cell, count in todo:
            if cell.request in self.tasks:  # a further stage of it
                seen = self.running.samples.get(cell.request, 0)
                self.progress.update(self.tasks[cell.request], total=seen + count)
                continue
            name = f"{cell.stress.spec}  {cell.judge.spec}" if several else cell.stress.spec
            self.tasks[cell.request] = self.progress.add_task(
                name.replace("[", r"\["), total=count, metric="", start=False
            )
        self.progress.start()

    def judged(self, cell: Cell, rows: pl.DataFrame) -> None:
        """Move the bar of the cell."""
        self.running.add(cell, rows)
        task = self.tasks[cell.request]
        self.progress.start_task(task)
        self.progress.update(
            task,
            completed=self.running.samples[cell.request],
            metric=self.running.text(cell),
        )

    def waiting(self, owners: Sequence[str]) -> None:
        """Write a line above the bars when others come to be waited for."""
        if text := self.awaited.text(owners):
            self.progress.console.print(text, markup=False)

    def finish(self) -> None:
        """Leave the bars as they are."""
        self.progress.stop()


@contextmanager
def watching(how: str, stream: IO[str] | None = None) -> Iterator[Watcher]:
    """Yield a watcher: ``how`` is ``auto`` (bars on a terminal, lines elsewhere) or ``quiet``."""
    stream = stream or sys.stderr
    watcher: Watcher = Quiet()
    if how == "auto":
        watcher = Bars(stream) if stream.isatty() else Lines(stream)
    try:
        yield watcher
    finally:
        watcher.finish()
