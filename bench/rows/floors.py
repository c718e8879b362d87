"""What attacks cost beside the forward and backward passes that they count."""

from __future__ import annotations

from bench.pictures import missing_cifar
from bench.race import Comparison, Race, Side, named

FLOOR = 0.9
"""Least share of an attack's time that its counted passes take."""

ATTACKS = (
    "apgd(eps=8/255)",
    "apgd_targeted(eps=8/255, targets=3, steps=30)",
    "fab_targeted(targets=2, steps=30)",
    "square(eps=8/255, queries=500)",
    "fmn(norm=Linf)",
    "fmn(norm=L2)",
    "ddn",
)


def races(*, quick: bool) -> list[Race]:
    """Return a race for each attack against its passes of the same prepared model alone."""
    return [_race(spec, 16 if quick else 48) for spec in ATTACKS]


def _race(spec: str, count: int) -> Race:
    name, arguments = f"floor, {named(spec)}", {"count": count, "spec": spec}
    return Race(
        f"floor {spec}",
        (
            Side("attack", "bench.autoattack_side:alone", arguments, keep_memory=True),
            Side("calls", "bench.autoattack_side:same_calls", arguments, keep_memory=True),
            Side("passes", "bench.autoattack_side:passes", arguments, keep_memory=True),
        ),
        (
            Comparison(
                f"{name}, its own passes", "attack", ("passes",), kind="overhead", bound=1 / FLOOR
            ),
            Comparison(
                f"{name}, the same calls by themselves", "attack", ("calls",), kind="overhead"
            ),
        ),
        rounds=3,
        together=True,
        missing=missing_cifar(),
        note=f"{spec}, ResNet-20 adversarially trained, {count} CIFAR-10 images at once; images leave "
        "when they are done: its own passes are counted, and bare ones of all images run, the same calls "
        "are of as many images as the attack's",
    )
