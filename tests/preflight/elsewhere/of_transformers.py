"""Hugging Face's image processors, on torchvision (fast) and on Pillow (slow)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from elsewhere.base import C1, CLIP, HALF, IMAGENET, L1, NONE, Elsewhere


def processor(name: str, **settings: Any) -> Callable[[], Any]:
    def make() -> Any:
        import transformers

        return getattr(transformers, name)(**settings)

    return make


PIPELINES = (
    Elsewhere("hf-vit-fast", processor("ViTImageProcessor"), L1, "squash", HALF),
    Elsewhere("hf-vit-slow", processor("ViTImageProcessorPil"), L1, "squash", HALF),
    Elsewhere(
        "hf-clip-fast", processor("CLIPImageProcessor"), C1, "floor_crop(resize_to=224)", CLIP
    ),
    Elsewhere(
        "hf-clip-slow", processor("CLIPImageProcessorPil"), C1, "floor_crop(resize_to=224)", CLIP
    ),
    Elsewhere(
        "hf-convnext-fast",
        processor("ConvNextImageProcessor", size={"shortest_edge": 224}),
        C1,
        "floor_crop(resize_to=256)",
        HALF,
    ),
    Elsewhere(
        "hf-convnext-slow",
        processor("ConvNextImageProcessorPil", size={"shortest_edge": 224}),
        C1,
        "floor_crop(resize_to=256)",
        HALF,
    ),
    Elsewhere(
        "hf-deit-slow", processor("DeiTImageProcessorPil"), C1, "squash(resize_to=256)", HALF
    ),
    Elsewhere(
        "hf-levit-fast", processor("LevitImageProcessor"), C1, "floor_crop(resize_to=256)", IMAGENET
    ),
    Elsewhere(
        "hf-mobilevit-slow",
        processor("MobileViTImageProcessorPil", size={"shortest_edge": 288}),
        C1,
        "floor_crop(resize_to=288)",
        NONE,
        size=(256, 256),
        colour="bgr",
    ),
)
