"""PGD with all samples active and for its verdict alone: against its own passes, and against peers."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import distributions
from typing import Any

from bench.machine import has_bf16
from bench.pictures import missing_cifar
from bench.race import Comparison, Race, Side

OURS, BF16, BARE = "roadworthy", "roadworthy bf16", "bare passes"
PEERS = {
    "foolbox": "foolbox",
    "torchattacks": "torchattacks",
    "art": "adversarial-robustness-toolbox",
}
"""Peers by the side that runs them, and the distribution that each comes in."""
EACH = "Linf 8/255, 40 steps of 2/255"
VERDICTS = 512
"""Images whose verdict is raced: what dropping saves depends on the share that survives, and that of
the first few images differs by several points from the share of them all."""


def races(*, quick: bool) -> list[Race]:
    """Return the races: against bare passes, against peers, and for the verdict alone."""
    arguments = {"count": 32, "steps": 5 if quick else 40}
    installed = {found.metadata["Name"].lower() for found in distributions()}
    peers = [name for name, distribution in PEERS.items() if distribution in installed]
    missing = missing_cifar()
    lacking = missing or ("" if peers else f"needs {' or '.join(PEERS)}")
    ours = Side(OURS, "bench.attack_side:ours", arguments, keep_memory=True)
    bare = Side(BARE, "bench.attack_side:bare", arguments, keep_memory=True)
    others = tuple(Side(name, f"bench.attack_side:{name}", arguments) for name in peers)
    note = f"ResNet-20 adversarially trained, 32 CIFAR-10 images, {EACH}, nothing dropped"
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
            _against(peers, "pgd", 0.7),
            check=_same_loss,
            note=f"{note}; peers with the plain network and the default allocator; mean loss of the "
            "last iterates compared",
            missing=lacking,
        ),
        _verdict(peers, quick=quick, adversarial=True, share=0.25, missing=lacking),
        _verdict(peers, quick=quick, adversarial=False, share=0.03, missing=lacking),
    ]


def _against(peers: list[str], name: str, share: float) -> tuple[Comparison, ...]:
    """Return the comparison with the fastest peer, at most ``share`` of its time, and with each."""
    each = tuple(Comparison(f"{name}, {peer}", OURS, (peer,)) for peer in peers)
    fastest = Comparison(f"{name}, fastest peer", OURS, tuple(peers), bound=1 / share)
    return (fastest, *each) if peers else ()


def _verdict(
    peers: list[str], *, quick: bool, adversarial: bool, share: float, missing: str
) -> Race:
    """Return the race for who is still right after PGD, on the network trained either way."""
    kind = "adversarially trained" if adversarial else "standard"
    name = f"pgd verdict, {kind}"
    arguments = {
        "count": 64 if quick else VERDICTS,
        "steps": 5 if quick else 40,
        "adversarial": adversarial,
    }
    ours = Side(OURS, "bench.attack_side:ours", {**arguments, "stop": "success"}, keep_memory=True)
    others = tuple(Side(peer, f"bench.attack_side:{peer}", arguments) for peer in peers)
    comparisons = _against(peers, name, share)
    if adversarial and has_bf16() and peers:
        short = {**ours.arguments, "precision": "bf16"}
        others = (Side(BF16, "bench.attack_side:ours", short, keep_memory=True), *others)
        comparisons += (Comparison(f"{name}, search in bf16", BF16, tuple(peers)),)
    return Race(
        name,
        (ours, *others),
        comparisons,
        rounds=3,
        check=_same_verdict,
        note=f"ResNet-20 ({kind}), {arguments['count']} CIFAR-10 images, {EACH}; ours drops what it "
        "broke, peers go on in batches of 64; images still right compared",
        missing=missing,
    )


def _same_loss(answers: Mapping[str, Any]) -> str:
    losses = {name: each["loss"] for name, each in answers.items() if each is not None}
    # Starts are random: over 32 images the mean loss varies by about one percent.
    assert max(losses.values()) <= 1.02 * min(losses.values()), f"mean loss: {losses}"
    return f"mean loss: {', '.join(f'{name} {loss:.3f}' for name, loss in losses.items())}"


def _same_verdict(answers: Mapping[str, Any]) -> str:
    right = {name: each["right"] for name, each in answers.items() if each is not None}
    # Stopping at the first success can only break more; starts are random on top of that. What a
    # search in bf16 takes for broken may hold in float32.
    exact = [count for name, count in right.items() if name != BF16]
    assert max(exact) - min(exact) <= 4, f"images still right: {right}"
    assert right[OURS] <= min(exact) + 2, f"images still right: {right}"
    assert right.get(BF16, 0) <= min(exact) + 6, f"images still right: {right}"
    return f"still right: {', '.join(f'{name} {count}' for name, count in right.items())}"
