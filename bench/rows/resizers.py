"""What every resizer costs beyond its library's own call."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from bench.pictures import imagenet
from bench.race import Comparison, Race, Side
from bench.resizer_side import WHOLE
from roadworthy.pipeline.stages import RESIZERS

OURS, BY_HAND = "roadworthy", "by hand"
BOUND = 1.05

REPEATS = {"opencv": 40, "torchvision": 20, "pyvips": 10, "swscale": 10, "pillow": 6, "torch": 6}
"""Laps over the photographs, so that each filter takes tenths of a second."""

OWN = ("tensorflow",)
"""Families that no library stands behind."""


def races(*, quick: bool) -> list[Race]:
    """Return a race for each family: from files on by all of its filters, and each filter alone."""
    return [_race(name, quick=quick) for name in RESIZERS if name not in OWN]


def _race(family: str, *, quick: bool) -> Race:
    stage = RESIZERS.get(family)
    filters = [name for name in stage.filters if "reducing-gap" not in name]
    files = list(imagenet(300).files().values())[: 3 if quick else 8]
    repeats = 1 if quick else REPEATS.get(family, 1)
    work = {"files": files, "family": family, "filters": filters, "repeats": repeats}
    alone = {"OMP_NUM_THREADS": "1"}
    return Race(
        f"resizer {family}",
        (
            Side(OURS, "bench.resizer_side:ours", work, keep_memory=True, environment=alone),
            Side(BY_HAND, "bench.resizer_side:by_hand", work, keep_memory=True, environment=alone),
        ),
        (
            Comparison(
                f"{WHOLE} {family}", OURS, (BY_HAND,), kind="overhead", bound=BOUND, part=WHOLE
            ),
            *(
                Comparison(f"resizer {family}-{name}", OURS, (BY_HAND,), kind="overhead", part=name)
                for name in filters
            ),
        ),
        rounds=7,
        check=_same,
        together=True,
        missing="" if not stage.needs or find_spec(stage.needs) else f"needs {stage.needs}",
        note=f"{len(files)} ImageNet JPEGs, shorter side to 256, central 224, one thread, to bytes (224, "
        "224, 3); decoded by Pillow, and for single filters on what the library itself reads into",
    )


def _same(answers: Mapping[str, Any]) -> str:
    ours, theirs = answers[OURS], answers[BY_HAND]
    for name, total in ours.items():
        assert total == theirs[name], f"{name}: other pixels"
    return "the same bytes"
