"""What a large run costs when nothing is left to judge."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from bench.race import Comparison, Race, Side

SIDE = "roadworthy"

_command = partial(Side, keep_memory=True)
"""A side with the allocator setting of every command."""


def _same_decisions(answers: Mapping[str, Any]) -> str:
    assert answers["stored"] == answers["records"]
    return "decisions equal"


def _memory(answers: Mapping[str, Any]) -> str:
    """Return how much memory was used at most; no side may need a gigabyte."""
    most = max(float(answers[name]) for name in ("metrics", "page", "again"))
    assert most < 1000, f"{most:.0f} MB"
    return f"at most {most:.0f} MB"


def races(*, quick: bool) -> list[Race]:
    """Return a finished run given again, and a metric over as many rows as ImageNet-C has."""
    files, cells = (3000, 3) if quick else (50_000, 41)
    samples = 1000 if quick else 50_000
    parts = -(-files // 1024) * cells
    return [
        Race(
            "again large",
            (
                Side(
                    SIDE,
                    "bench.store_side:finished",
                    {"files": files, "cells": cells, "joined": True},
                ),
            ),
            (Comparison("a large run again", SIDE, kind="seconds", bound=5.0),),
            rounds=3,
            note=f"{files:,} files, {cells} stresses, {parts:,} parts, made up and joined as a "
            "finished run leaves them: specs to summary, beyond imports",
        ),
        Race(
            "compare large",
            (_command(SIDE, "bench.compare_side:both", {"samples": samples}),),
            (Comparison("two runs compared", SIDE, kind="seconds", bound=15.0),),
            rounds=3,
            note=f"{76 * samples:,} made-up rows each, with their summaries: differences of all "
            "metrics, tests and flipped images",
        ),
        Race(
            "gate large",
            (
                _command("stored", "bench.compare_side:one", {"samples": samples, "stored": True}),
                _command(
                    "records", "bench.compare_side:one", {"samples": samples, "stored": False}
                ),
            ),
            (
                Comparison(
                    "three requirements, from summary.json", "stored", kind="seconds", bound=2.0
                ),
                Comparison("three requirements, from the records", "records", kind="seconds"),
            ),
            rounds=3,
            check=_same_decisions,
            note=f"{76 * samples:,} made-up rows; every part is checked for damage",
        ),
        Race(
            "report large",
            (
                _command("read all columns", "bench.report_side:read_all", {"samples": samples}),
                _command("metrics", "bench.report_side:metrics", {"samples": samples}),
                _command("page", "bench.report_side:page", {"samples": samples, "cold": True}),
                _command("again", "bench.report_side:page", {"samples": samples, "cold": False}),
            ),
            (
                Comparison(
                    "every metric", "metrics", ("read all columns",), kind="overhead", bound=3.0
                ),
                Comparison("the page from records", "page", kind="seconds", bound=15.0),
                Comparison("the page from summary.json", "again", kind="seconds", bound=2.0),
            ),
            rounds=3,
            check=_memory,
            note=f"{75 * samples:,} made-up rows of {samples:,} samples: imagenet_c of one model",
        ),
        Race(
            "metric large",
            (Side(SIDE, "bench.store_side:metric", {"samples": samples, "variants": 75}),),
            (Comparison("top1 with its interval", SIDE, kind="seconds", bound=2.0),),
            note=f"{75 * samples:,} made-up rows of {samples:,} samples in one file, read and clustered",
        ),
    ]
