"""Two processes against one, each with a single thread, on work that only needs processors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.pictures import LITE0, imagenet
from bench.race import Comparison, Race, Side

ONE, TWO = "one process", "two processes"


def races(*, quick: bool) -> list[Race]:
    """Return the race of one engine against two on one folder."""
    photos = imagenet(300)
    job = {
        "model": LITE0,
        "data": photos.spec,
        "stress": "gaussian_noise(severity=1..2)" if quick else "gaussian_noise(severity=1..5)",
        "limit": 128 if quick else 256,
    }
    alone = {"OMP_NUM_THREADS": "1"}
    sides = tuple(
        Side(name, "bench.process_side:engines", {"count": count, **job}, environment=alone)
        for name, count in ((TWO, 2), (ONE, 1))
    )
    note = (
        f"{job['stress']} on {job['limit']} photographs, EfficientNet-Lite0, one thread a process, "
        "models loaded before the clock starts; every prediction compared"
    )
    comparisons = (Comparison("two processes against one", TWO, (ONE,), bound=1.8),)
    return [Race("processes", sides, comparisons, rounds=3, check=_check, note=note)]


def _check(answers: Mapping[str, Any]) -> str:
    assert answers[ONE] == answers[TWO], "two processes predict other classes than one"
    return "predictions identical"
