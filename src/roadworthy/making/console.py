"""The verb ``make``: progress on standard error, and how it went."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from roadworthy.errors import EXIT_DONE, EXIT_FAILED_SAMPLES
from roadworthy.making.made import Made

LINE_EVERY_SECONDS = 5.0
SHOWN = 5


class Progress:
    """A line every few seconds: how many files are there, and how fast they come."""

    def __init__(self, *, quiet: bool) -> None:
        self.quiet = quiet
        self.files = 0
        self.began = self.said = time.monotonic()

    def __call__(self, files: int) -> None:
        """Count files that are there."""
        self.files += files
        now = time.monotonic()
        if not self.quiet and now - self.said >= LINE_EVERY_SECONDS:
            self.said = now
            rate = self.files / (now - self.began)
            print(f"{self.files} files, {rate:.0f} a second", file=sys.stderr, flush=True)


def make(stresses: list[str], data: str, out: Path, *, quiet: bool, **options: Any) -> int:
    """Make, say how it went, and return the exit code: 3 where samples failed."""
    from roadworthy.engine.live import watching
    from roadworthy.making.api import make as made_by

    with watching("quiet" if quiet or options.get("model") is None else "auto") as watcher:
        told = Progress(quiet=quiet)
        made = made_by(stresses, data, out, report=told, watcher=watcher, **options)
    print(closing(made))
    for sample, reason in list(made.failures.items())[:SHOWN]:
        said = reason if sample in reason else f'"{sample}": {reason}'
        print(f"failed: {said}", file=sys.stderr)
    return EXIT_FAILED_SAMPLES if made.failures else EXIT_DONE


def closing(made: Made) -> str:
    """Return the last line: what was written, what was there, what failed, and where."""
    parts = [f"{made.written} files written"]
    if made.kept:
        parts.append(f"{made.kept} kept as they were")
    if made.failures:
        parts.append(f"{len(made.failures)} samples failed (see failures.jsonl)")
    if made.left_out:
        parts.append(f"{len(made.left_out)} samples not in every set (see left_out.jsonl)")
    return f"{', '.join(parts)}: {made.folder}"
