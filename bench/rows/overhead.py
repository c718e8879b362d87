"""What the engine costs beyond reading, preprocessing and judging; and doing nothing again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.pictures import CIFAR, LITE0, imagenet, missing_cifar, resnet20
from bench.race import Comparison, Race, Side

ENGINE, BARE = "roadworthy", "bare loop"


def races(*, quick: bool) -> list[Race]:
    """Return the overhead on photographs and on CIFAR-10, and the second run of a finished one."""
    photos = imagenet(32 if quick else 300)
    what = (
        "plan, records, metrics and files included; bare: same decoder, model, threads, batches, "
        "images read by one thread or by all, whichever is faster"
    )
    return [
        _overhead(
            "overhead photos",
            {"model": LITE0, "data": photos.spec},
            bound=1.05,
            note=f"EfficientNet-Lite0, {photos.origin}; {what}",
        ),
        _overhead(
            "overhead cifar",
            {
                "model": resnet20(adversarial=False),
                "data": f"parquet:{CIFAR}",
                "limit": 500 if quick else None,
            },
            bound=1.02,
            note=f"ResNet-20, CIFAR-10 test, 5,000 images; {what}",
            missing=missing_cifar(),
        ),
        Race(
            "again",
            (Side(ENGINE, "bench.engine_side:again", {"model": LITE0, "data": photos.spec}, True),),
            (Comparison("the same command again", ENGINE, kind="seconds", bound=2.0),),
            note=f"{LITE0}, {photos.origin}, a finished run: specs to summary, beyond imports",
        ),
    ]


def _overhead(
    name: str, arguments: Mapping[str, Any], *, bound: float, note: str, missing: str = ""
) -> Race:
    return Race(
        name,
        (
            Side(ENGINE, "bench.engine_side:engine", arguments, keep_memory=True),
            Side(BARE, "bench.engine_side:bare", arguments, keep_memory=True),
        ),
        (Comparison(name, ENGINE, (BARE,), kind="overhead", bound=bound),),
        rounds=7,
        check=_same,
        together=True,
        note=note,
        missing=missing,
    )


def _same(answers: Mapping[str, Any]) -> str:
    ours, theirs = answers[ENGINE], answers[BARE]
    assert ours.keys() == theirs.keys(), "other images were judged"
    differ = sum(ours[image] != theirs[image] for image in ours)
    # Other batches, other kernels: a tie may fall the other way.
    assert differ <= len(ours) / 1000, f"{differ} of {len(ours)} predictions differ"
    return ""
