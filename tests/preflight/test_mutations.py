"""Changing one part of a pipeline changes what is found of that part, and of no other."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from PIL import Image
from preflight_world import recipe

from roadworthy.preflight import api
from roadworthy.preflight.identity import PARTS, Identity

CHANGES: dict[str, tuple[dict[str, Any], str, str]] = {
    "blue first": ({"bgr": True}, "colour", "bgr"),
    "another mean": ({"mean": (0.5, 0.4, 0.5)}, "normalisation", "mean=(0.5, 0.4, 0.5)"),
    "another deviation": ({"std": (0.25, 0.25, 0.25)}, "normalisation", "std=(0.25, 0.25, 0.25)"),
    "imagenet": (
        {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)},
        "normalisation",
        "imagenet",
    ),
    "crop 0.9": ({"resize_to": 71}, "geometry", "crop(resize_to=71)"),
    "crop 1": ({"resize_to": 64}, "geometry", "crop(resize_to=64)"),
    "bicubic": ({"resample": Image.Resampling.BICUBIC}, "resize", "pillow-bicubic"),
    "nearest": ({"resample": Image.Resampling.NEAREST}, "resize", "pillow-nearest"),
    "box": ({"resample": Image.Resampling.BOX}, "resize", "pillow-box"),
    "hamming": ({"resample": Image.Resampling.HAMMING}, "resize", "pillow-hamming"),
}


@cache
def usual() -> Identity:
    return api.identify(recipe())


@pytest.mark.parametrize("change", CHANGES)
def test_one_change_changes_one_part(change: str) -> None:
    options, part, name = CHANGES[change]
    found = api.identify(recipe(**options))
    assert name in found[part].name
    names = {p: (usual()[p].name, found[p].name) for p in PARTS}
    assert {p for p, (before, after) in names.items() if before != after} == {part}
    assert not found.unknown
