"""A whole suite against the sum of its parts, and written to disk by two processes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.pictures import LITE0, imagenet
from bench.race import Comparison, Race, Side

ENGINE, FLOOR = "roadworthy", "forwards + corruptions / cores"
ONE, TWO = "-j 1", "-j 2"


def races(*, quick: bool) -> list[Race]:
    """Return the race of a judged suite, and that of a written one."""
    photos = imagenet(300)
    suite = "imagenet_c(severity=3)" if quick else "imagenet_c"
    judging = {"model": LITE0, "data": photos.spec, "suite": suite, "limit": 8 if quick else 64}
    making = {"data": photos.spec, "stresses": [suite], "limit": 16 if quick else 300}
    return [
        Race(
            "suite",
            (
                Side(ENGINE, "bench.suite_side:judged", judging, keep_memory=True),
                Side(FLOOR, "bench.suite_side:floor", judging, keep_memory=True),
            ),
            (Comparison("imagenet_c", ENGINE, (FLOOR,), "overhead", bound=1.10, part="work"),),
            rounds=2,
            check=_same,
            together=True,
            note=f"{suite} with EfficientNet-Lite0 on {judging['limit']} photographs, JPEG 85 included; "
            "forwards alone with all cores + core time of the corruptions / cores",
        ),
        Race(
            "make",
            tuple(
                Side(
                    name,
                    "bench.suite_side:written",
                    {**making, "jobs": jobs},
                    keep_memory=True,
                    environment={"OMP_NUM_THREADS": "1"},
                )
                for name, jobs in ((TWO, 2), (ONE, 1))
            ),
            (Comparison("make with two processes", TWO, (ONE,), bound=1.8),),
            rounds=2,
            check=_same,
            note=f"{suite} of {making['limit']} photographs as JPEG files, the whole command, start "
            "included; checksums of all files compared",
        ),
    ]


def _same(answers: Mapping[str, Any]) -> str:
    first, *others = answers.values()
    assert all(other == first for other in others), "the sides made different things"
    return ""
