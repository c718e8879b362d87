"""Clean evaluation of photographs: the engine against the script that people write."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

from bench.machine import has_bf16
from bench.pictures import LITE0, Pictures, imagenet
from bench.race import Comparison, Race, Side

ENGINE, BF16 = "roadworthy", "roadworthy bf16"
USUAL = "plain 2 workers 2 threads"
KEPT = "plain 0 workers 2 threads, allocator set"
AGREEMENT = 0.99


def races(*, quick: bool) -> list[Race]:
    """Return the race of eight sides: six plain scripts, one with our allocator, two of ours."""
    pictures = imagenet(32 if quick else 300)
    plain = [_plain(pictures, *how) for how in product((0, 1, 2), (1, 2))]
    names = tuple(side.name for side in plain)
    bf16 = has_bf16()
    kept = _plain(pictures, 0, 2, name=KEPT, keep=True)
    note = (
        f"EfficientNet-Lite0, {pictures.origin}, batch 32, top-1 of every image compared. Plain: "
        "torchvision transforms, DataLoader, NCHW float32, no_grad (bench/plain_clean.py)"
        + ("" if has_bf16() else "; no target for bf16, which this processor has to emulate")
    )
    comparisons = (
        Comparison("clean, best of six plain scripts", ENGINE, names, bound=2.0),
        Comparison("clean, the usual script", ENGINE, (USUAL,), bound=4.0),
        Comparison(
            "clean bf16, best of six plain scripts", BF16, names, bound=3.0 if bf16 else None
        ),
        Comparison("clean bf16, the usual script", BF16, (USUAL,), bound=6.0 if bf16 else None),
        Comparison("clean, plain script with our allocator setting", ENGINE, (KEPT,)),
    )
    ours = (_ours(pictures, ENGINE, "fp32"), _ours(pictures, BF16, "bf16"))
    return [Race("clean", (*ours, *plain, kept), comparisons, rounds=2, check=_check, note=note)]


def _ours(pictures: Pictures, name: str, precision: str) -> Side:
    arguments = {"model": LITE0, "data": pictures.spec, "precision": precision}
    return Side(name, "bench.engine_side:engine", arguments, keep_memory=True)


def _plain(
    pictures: Pictures, workers: int, threads: int, *, name: str = "", keep: bool = False
) -> Side:
    arguments = {"table": pictures.files(), "workers": workers, "threads": threads}
    name = name or f"plain {workers} workers {threads} threads"
    return Side(name, "bench.plain_side:clean", arguments, keep_memory=keep)


def _check(answers: Mapping[str, Any]) -> str:
    ours = answers[ENGINE]
    for name, found in answers.items():
        assert found.keys() == ours.keys(), f"{name} judged other images"
        if name != BF16:
            differ = [image for image in ours if found[image] != ours[image]]
            assert not differ, f"{name} differs on {len(differ)} images, such as {differ[0]}"
    same = sum(answers[BF16][image] == ours[image] for image in ours) / len(ours)
    assert same >= AGREEMENT, f"bf16 agrees on {100 * same:.1f} % only"
    return f"top-1 identical on {len(ours)} images; bf16 on {100 * same:.1f} %"
