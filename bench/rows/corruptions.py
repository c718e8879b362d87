"""Every corruption at every severity against the package that people install for it."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from bench.pictures import imagenet
from bench.race import Comparison, Race, Side
from roadworthy.stress import STRESSES

OURS, WARM, PEER = "roadworthy", "imagecorruptions, allocator set", "imagecorruptions"

NAMES = (
    "gaussian_noise", "shot_noise", "impulse_noise", "speckle_noise",
    "defocus_blur", "glass_blur", "motion_blur", "zoom_blur", "gaussian_blur",
    "snow", "frost", "fog", "brightness", "spatter",
    "contrast", "elastic_transform", "pixelate", "jpeg_compression", "saturate",
)  # fmt: skip

MEAN_LEVELS = {"frost": 60.0, "fog": 40.0, "snow": 20.0, "elastic_transform": 10.0, "spatter": 6.0}
"""How far mean levels may differ, in levels: what chance does on few images, or other textures."""


def races(*, quick: bool) -> list[Race]:
    """Return one race of three sides with one line for the sum and one for each corruption."""
    names = [name for name in NAMES if name in STRESSES]
    files = list(imagenet(300).files().values())[: 1 if quick else 3]
    work = {"files": files, "names": names}
    few, many = {**work, "repeats": 1}, {**work, "repeats": 2 if quick else 8}
    alone = {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
    sides = (
        Side(OURS, "bench.corruption_side:ours", many, keep_memory=True, environment=alone),
        Side(WARM, "bench.corruption_side:peer", few, keep_memory=True, environment=alone),
        Side(PEER, "bench.corruption_side:peer", few, environment=alone),
    )
    note = (
        f"{len(names)} of {len(NAMES)} corruptions, severities 1 to 5, {len(files)} ImageNet JPEGs as "
        "224 × 224 frames, one pinned thread, keys and generators included; times are for one image "
        "at all severities; imagecorruptions 1.1.5; the targets hold against it with our allocator "
        "setting; mean levels compared"
    )
    return [
        Race(
            "corruptions",
            sides,
            _comparisons(names),
            rounds=7,
            check=_check,
            note=note,
            missing="" if find_spec("imagecorruptions") else "needs imagecorruptions",
        )
    ]


def _comparisons(names: list[str]) -> tuple[Comparison, ...]:
    whole = len(names) == len(NAMES)
    return (
        Comparison("corruptions, sum", OURS, (WARM,), bound=15.0 if whole else None, part="sum"),
        Comparison("corruptions, sum, peer's own allocator", OURS, (PEER,), part="sum"),
        # 1.1: two measurements of the same thing differ by so much on a busy machine.
        *(
            Comparison(f"corruption {name}", OURS, (WARM,), bound=1 / 1.1, part=name)
            for name in names
        ),
    )


def _check(answers: Mapping[str, Any]) -> str:
    ours, theirs = answers[OURS], answers[WARM]
    for name, means in ours.items():
        apart = max(abs(a - b) for a, b in zip(means, theirs[name], strict=True))
        assert apart <= MEAN_LEVELS.get(name, 1.5), f"{name}: mean levels {apart:.1f} apart"
    return ""
