"""PGD with all samples active: against its own passes, and against peers."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from bench.pictures import missing_cifar
from bench.race import Comparison, Race, Side

OURS, BARE = "roadworthy", "bare passes"
PEERS = ("foolbox", "torchattacks")


def races(*, quick: bool) -> list[Race]:
    """Return two races: against bare passes, and against the peers that are installed."""
    arguments = {"count": 32, "steps": 5 if quick else 40}
    peers = [name for name in PEERS if find_spec(name)]
    ours = Side(OURS, "bench.attack_side:ours", arguments, keep_memory=True)
    bare = Side(BARE, "bench.attack_side:bare", arguments, keep_memory=True)
    others = tuple(Side(name, f"bench.attack_side:{name}", arguments) for name in peers)
    against_peers = tuple(Comparison(f"pgd, {name}", OURS, (name,)) for name in peers)
    note = (
        "ResNet-20 adversarially trained, 32 CIFAR-10 images, Linf 8/255, 40 steps of 2/255, nothing "
        "dropped"
    )
    missing = missing_cifar()
    return [
        Race(
            "pgd passes",
            (ours, bare),
            (Comparison("pgd, its own passes", OURS, (BARE,), kind="overhead", bound=1.03),),
            rounds=9,
            together=True,
            note=f"{note}; bare: as many forward and backward passes of the same prepared model",
            missing=missing,
        ),
        Race(
            "pgd peers",
            (ours, *others),
            against_peers,
            check=_check,
            note=f"{note}; peers with the plain network and the default allocator; images still "
            "right compared",
            missing=missing or ("" if peers else "needs foolbox or torchattacks"),
        ),
    ]


def _check(answers: Mapping[str, Any]) -> str:
    right = {name: count for name, count in answers.items() if count is not None}
    # Starts are random, so that an image at the edge may fall either way.
    assert max(right.values()) - min(right.values()) <= 2, f"images still right: {right}"
    return f"still right: {', '.join(f'{name} {count}' for name, count in right.items())}"
