"""Sides that compare two runs as large as all of ImageNet-C, and hold one against requirements."""

from __future__ import annotations

import resource

from bench.race import Work
from bench.report_side import large_run
from roadworthy.comparing.api import compare
from roadworthy.gating.api import gate
from roadworthy.run import Run

REQUIREMENTS = ("top1(clean(frame=imagenet))>=60", "mce<=90", "mean_error(imagenet_c)<=70")


def both(samples: int) -> Work:
    """Compare two models on the whole suite, both with their summaries."""
    folders = [large_run(samples, luck=luck) for luck in (0, 1)]
    for folder in folders:
        run_ = Run(folder)
        run_.store.write_json("summary.json", run_.summary)

    def run() -> tuple[int, int, int]:
        found = compare(folders[0], folders[1])
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        return len(found.differences), len(found.flips), peak

    return Work(run, answer=lambda found: found)


def one(samples: int, *, stored: bool) -> Work:
    """Decide requirements: from ``summary.json`` if ``stored``, else from the records."""
    folder = large_run(samples)
    if stored:
        run_ = Run(folder)
        run_.store.write_json("summary.json", run_.summary)

    def run() -> list[str]:
        return [check.status for check in gate(folder, REQUIREMENTS).checks]

    return Work(run, answer=lambda found: found)
