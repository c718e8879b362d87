"""AutoAttack, the standard version: against pyautoattack, robustly trained and not."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from bench.machine import has_bf16
from bench.pictures import missing_cifar
from bench.race import Comparison, Race, Side

OURS, BF16, PEER = "roadworthy", "roadworthy bf16", "pyautoattack"
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
    sides = [Side(OURS, "bench.autoattack_side:ours", arguments, keep_memory=True)]
    comparisons = [Comparison(f"autoattack, {trained}", OURS, (PEER,), bound=bound)]
    if adversarial and has_bf16():
        short = {**arguments, "precision": "bf16"}
        sides.append(Side(BF16, "bench.autoattack_side:ours", short, keep_memory=True))
        comparisons.append(
            Comparison(f"autoattack, {trained}, search in bf16", BF16, (PEER,), bound=2)
        )
    return Race(
        f"autoattack {name}",
        (*sides, Side(PEER, f"bench.autoattack_side:{PEER}", arguments)),
        tuple(comparisons),
        rounds=2,
        check=_check,
        missing=missing,
        note=f"ResNet-20 {trained}, {count} CIFAR-10 images, standard, Linf 8/255, judged in float32; "
        "the clean pass and the check of what was found included",
    )


def _check(answers: Mapping[str, Any]) -> str:
    peer = answers[PEER]
    said = [f"{PEER} leaves {sum(peer)} of {len(peer)}"]
    for name, ours in answers.items():
        if name == PEER:
            continue
        missed = sum(a and not b for a, b in zip(ours, peer, strict=True))
        more = sum(b and not a for a, b in zip(ours, peer, strict=True))
        assert missed <= max(1, WORSE * len(ours)), f"{name}: {missed} broken by the peer alone"
        said.append(f"{name} {sum(ours)}, of which the peer breaks {missed}, and {more} more fall")
    return "; ".join(said)
