"""timm's evaluation transforms, as cards of its models ask for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from timm.data import create_transform, resolve_data_config

from elsewhere.base import C1, CLIP, HALF, IMAGENET, L1, Elsewhere


def card(**said: Any) -> Callable[[], Any]:
    return lambda: create_transform(**resolve_data_config({}, pretrained_cfg=said))


PIPELINES = (
    Elsewhere(
        "timm-resnet",
        card(input_size=(3, 224, 224), interpolation="bicubic", crop_pct=0.95),
        C1,
        "crop(resize_to=235)",
        IMAGENET,
    ),
    Elsewhere(
        "timm-inception-stats",
        card(
            input_size=(3, 240, 240),
            interpolation="bilinear",
            crop_pct=0.882,
            mean=HALF[0],
            std=HALF[1],
        ),
        L1,
        "crop(resize_to=272)",
        HALF,
        size=(240, 240),
    ),
    Elsewhere(
        "timm-squash",
        card(
            input_size=(3, 256, 256),
            interpolation="bicubic",
            crop_pct=1.0,
            crop_mode="squash",
            mean=CLIP[0],
            std=CLIP[1],
        ),
        C1,
        "squash",
        CLIP,
        size=(256, 256),
    ),
    Elsewhere(
        "timm-border",
        card(
            input_size=(3, 224, 224),
            interpolation="bicubic",
            crop_pct=1.0,
            crop_mode="border",
            mean=HALF[0],
            std=HALF[1],
        ),
        C1,
        "border(fill=(128, 128, 128))",
        HALF,
    ),
)
