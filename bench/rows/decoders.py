"""What every decoder costs beyond its library's own call."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from bench.decoder_side import FRAME
from bench.pictures import imagenet
from bench.race import Comparison, Race, Side
from roadworthy.pipeline.stages import DECODERS

OURS, BY_HAND = "roadworthy", "by hand"
BOUND = 1.05
LAPS = 6


def races(*, quick: bool) -> list[Race]:
    """Return a race for each library: for each of its names to the frame, and decoding alone."""
    return [_race(name, quick=quick) for name in DECODERS]


def _race(family: str, *, quick: bool) -> Race:
    stage = DECODERS.get(family)
    names = [f"{family}-{variant}" if variant else family for variant in stage.variants]
    files = list(imagenet(300).files().values())[: 8 if quick else 40]
    work = {"files": files, "names": names, "repeats": 1 if quick else LAPS}
    alone = {"OMP_NUM_THREADS": "1"}
    return Race(
        f"decoder {family}",
        (
            Side(OURS, "bench.decoder_side:ours", work, keep_memory=True, environment=alone),
            Side(BY_HAND, "bench.decoder_side:by_hand", work, keep_memory=True, environment=alone),
        ),
        (
            *(
                Comparison(
                    f"decoder {name}{FRAME}",
                    OURS,
                    (BY_HAND,),
                    kind="overhead",
                    bound=BOUND,
                    part=name + FRAME,
                )
                for name in names
            ),
            *(
                Comparison(f"decoder {name}", OURS, (BY_HAND,), kind="overhead", part=name)
                for name in names
            ),
        ),
        rounds=7,
        check=_same,
        together=True,
        missing="" if not stage.needs or find_spec(stage.needs) else f"needs {stage.needs}",
        note=f"{len(files)} ImageNet JPEGs, one thread; ours with the check of the whole file; by hand "
        "from the bytes of the file to bytes (H, W, 3); to the frame: Pillow bilinear, 256, centre 224",
    )


def _same(answers: Mapping[str, Any]) -> str:
    ours, theirs = answers[OURS], answers[BY_HAND]
    for name, total in ours.items():
        assert total == theirs[name], f"{name}: other pixels"
    return "the same bytes"
