"""AutoAttack, the standard version: against pyautoattack, robustly trained and not."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from bench.pictures import missing_cifar
from bench.race import Comparison, Race, Side

OURS, PEER = "roadworthy", "pyautoattack"
WORSE = 0.01
"""Share of images that the peer may break and we not: its random draws are others."""


def races(*, quick: bool) -> list[Race]:
    """Return two races, of which the one on an adversarially trained network takes minutes."""
    missing = missing_cifar() or ("" if find_spec(PEER) else "needs pyautoattack")
    return [
        _race(
            "robust", adversarial=True, count=16 if quick else 128, bound=1 / 0.7, missing=missing
        ),
        _race("standard", adversarial=False, count=16 if quick else 128, bound=20, missing=missing),
    ]


def _race(name: str, *, adversarial: bool, count: int, bound: float, missing: str) -> Race:
    arguments = {"count": count, "adversarial": adversarial}
    trained = "adversarially trained" if adversarial else "undefended"
    return Race(
        f"autoattack {name}",
        (
            Side(OURS, "bench.autoattack_side:ours", arguments, keep_memory=True),
            Side(PEER, f"bench.autoattack_side:{PEER}", arguments),
        ),
        (Comparison(f"autoattack, {trained}", OURS, (PEER,), bound=bound),),
        rounds=2,
        check=_check,
        missing=missing,
        note=f"ResNet-20 {trained}, {count} CIFAR-10 images, standard, Linf 8/255, float32; the clean "
        "pass and the check of what was found included",
    )


def _check(answers: Mapping[str, Any]) -> str:
    ours, peer = answers[OURS], answers[PEER]
    missed = sum(a and not b for a, b in zip(ours, peer, strict=True))
    more = sum(b and not a for a, b in zip(ours, peer, strict=True))
    assert missed <= max(1, WORSE * len(ours)), f"{missed} images broken by the peer alone"
    return (
        f"robust {sum(ours)} and {sum(peer)} of {len(ours)}; "
        f"only the peer breaks {missed}, only we {more}"
    )
