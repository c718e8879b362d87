"""What a robustness curve costs beside the one attack that it is read from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.pictures import CIFAR, missing_cifar, resnet20
from bench.race import Comparison, Race, Side

CURVE, ALONE = "twenty budgets", "the attack alone"


def races(*, quick: bool) -> list[Race]:
    """Return a race between an attack with the curve of twenty budgets, and without."""
    arguments = {
        "model": resnet20(adversarial=True),
        "data": f"parquet:{CIFAR}",
        "attack": "fmn(norm=Linf)",
        "limit": 16 if quick else 64,
    }
    side = "bench.curve_side:run"
    return [
        Race(
            "curve",
            (
                Side(CURVE, side, {**arguments, "curve": True}, keep_memory=True),
                Side(ALONE, side, {**arguments, "curve": False}, keep_memory=True),
            ),
            (Comparison("a curve of 20 budgets", CURVE, (ALONE,), kind="overhead", bound=1.02),),
            rounds=7,
            check=_falls,
            together=True,
            missing=missing_cifar(),
            note=f"fmn(norm=Linf), ResNet-20 adversarially trained, {arguments['limit']} CIFAR-10 "
            "images, records written and read",
        )
    ]


def _falls(answers: Mapping[str, Any]) -> str:
    points = answers[CURVE]
    assert len(points) == 20, "a budget is missing"
    assert points == sorted(points, reverse=True), "more budget, more accuracy"
    assert points[0] > points[-1], "the attack does nothing"
    return ""
