"""What attacks by queries cost beside the answers that they count."""

from __future__ import annotations

from bench.pictures import missing_cifar
from bench.race import Comparison, Race, Side, named

FLOOR = 0.9
"""Least share of an attack's time that the model takes, at 64 images."""

SCORES = (
    "square(eps=8/255, queries=500, stop=never)",
    "square(eps=1, norm=L2, queries=500, stop=never)",
    "nes(eps=8/255, queries=505, stop=never)",
    "spsa(eps=8/255, queries=505, stop=never)",
    "n_attack(eps=8/255, queries=505, stop=never)",
    "simba(eps=8/255, queries=500, stop=never)",
    "simba(eps=1, norm=L2, basis=dct, queries=500, stop=never)",
)
"""Attacks by scores; none stops, so that all calls are of all images."""

DECISIONS = (
    "hopskipjump(queries=500)",
    "hopskipjump(norm=Linf, queries=500)",
    "boundary(queries=200)",
    "evolutionary(queries=200)",
)
"""Attacks by decisions; images leave when they cannot afford another step."""


def races(*, quick: bool) -> list[Race]:
    """Return a race for each attack against the same bare answers of the same prepared model."""
    return [_race(spec, 16 if quick else 64) for spec in (*SCORES, *DECISIONS)]


def _race(spec: str, count: int) -> Race:
    arguments = {"count": count, "spec": spec}
    return Race(
        f"queries {spec}",
        (
            Side("attack", "bench.autoattack_side:shares", arguments, keep_memory=True),
            Side(
                "answers",
                "bench.autoattack_side:same_calls",
                {**arguments, "right": True},
                keep_memory=True,
            ),
        ),
        (
            Comparison(
                f"{named(spec)}, all of its time",
                "attack",
                ("attack",),
                kind="overhead",
                bound=1 / FLOOR,
                of="its model",
            ),
            Comparison(
                f"{named(spec)}, the same calls by themselves",
                "attack",
                ("answers",),
                kind="overhead",
            ),
        ),
        rounds=3,
        together=True,
        missing=missing_cifar(),
        note=f"{spec}, ResNet-20 adversarially trained, the first {count} CIFAR-10 images that it has "
        "right, at once",
    )
