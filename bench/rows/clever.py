"""CLEVER against the forward and backward passes that its gradients take."""

from __future__ import annotations

from typing import Any

from bench.pictures import missing_cifar
from bench.race import Comparison, Race, Side

OURS, BARE = "roadworthy", "bare passes"
COUNT = 4
FLOOR = 1 / 0.9
"""At least nine tenths of the time are passes."""


def races(*, quick: bool) -> list[Race]:
    """Return the races: one target under each norm, and the nearest of all."""
    small, large = {"batches": 10, "draws": 32}, {"batches": 100, "draws": 64}
    published = {"batches": 100, "draws": 512}
    return [
        *(_race(norm, small if quick else large, targeted=True) for norm in ("L2", "Linf", "L1")),
        _race("L2", small if quick else {"batches": 20, "draws": 64}, targeted=False),
        _race("L2", small if quick else published, targeted=True, count=1),
    ]


def _race(norm: str, size: dict[str, Any], *, targeted: bool, count: int = COUNT) -> Race:
    what = f"clever {norm}, {'one target' if targeted else 'nine targets'}"
    what += f", {size['batches']} x {size['draws']}" if count == 1 else ""
    shared = {"count": count, "targeted": targeted, **size}
    return Race(
        what,
        (
            Side(OURS, "bench.clever_side:ours", {"norm": norm, **shared}, keep_memory=True),
            Side(BARE, "bench.clever_side:bare", shared, keep_memory=True),
        ),
        (Comparison(what, OURS, (BARE,), kind="overhead", bound=FLOOR),),
        rounds=5,
        together=True,
        note=f"ResNet-20, {count} CIFAR-10 images, {size['batches']} batches of {size['draws']} points and "
        "a tenth of them again; bare: as many passes of the same prepared model in batches of 256; "
        "the bound is nine tenths of the time in the model",
        missing=missing_cifar(),
    )
