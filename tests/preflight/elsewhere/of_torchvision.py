"""torchvision: presets of weights, v1 and v2, on pictures and on tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torchvision import models, transforms
from torchvision.io import ImageReadMode, decode_image
from torchvision.transforms import InterpolationMode as Mode
from torchvision.transforms import v2

from elsewhere.base import C0, C1, CLIP, HALF, IMAGENET, L0, L1, NONE, Elsewhere


def preset(weights: Any) -> Callable[[], Any]:
    return lambda: weights.transforms()


def v1(size: int | tuple[int, int], crop: int, mode: Mode, stats: Any) -> Callable[[], Any]:
    return lambda: transforms.Compose(
        [
            transforms.Resize(size, mode),
            transforms.CenterCrop(crop),
            transforms.ToTensor(),
            transforms.Normalize(*stats),
        ]
    )


def second(
    size: Any, crop: int, mode: Mode, stats: Any, *, early: bool = False, antialias: bool = True
) -> Callable[[], Any]:
    """v2 on tensors; ``early`` converts to float before the resize."""
    whole = [
        v2.Resize(size, mode, antialias=antialias),
        v2.CenterCrop(crop),
        v2.ToDtype(torch.float32, scale=True),
    ]
    steps = [whole[2], *whole[:2]] if early else whole
    return lambda: v2.Compose([v2.ToImage(), *steps, v2.Normalize(*stats)])


def from_bytes(antialias: bool) -> Callable[[], Any]:
    def preprocess(data: bytes) -> Any:
        encoded = torch.frombuffer(bytearray(data), dtype=torch.uint8)
        picture = decode_image(encoded, mode=ImageReadMode.RGB)
        picture = transforms.functional.resize(picture, [224, 224], antialias=antialias)
        return (picture.float() / 255)[None]

    return lambda: preprocess


PIPELINES = (
    Elsewhere(
        "resnet50-v1",
        preset(models.ResNet50_Weights.IMAGENET1K_V1),
        L1,
        "crop(resize_to=256)",
        IMAGENET,
    ),
    Elsewhere(
        "resnet50-v2",
        preset(models.ResNet50_Weights.IMAGENET1K_V2),
        L1,
        "crop(resize_to=232)",
        IMAGENET,
    ),
    Elsewhere(
        "efficientnet-b0",
        preset(models.EfficientNet_B0_Weights.IMAGENET1K_V1),
        C1,
        "crop(resize_to=256)",
        IMAGENET,
    ),
    Elsewhere(
        "inception",
        preset(models.Inception_V3_Weights.IMAGENET1K_V1),
        L1,
        "crop(resize_to=342)",
        IMAGENET,
        size=(299, 299),
    ),
    Elsewhere(
        "vit-swag",
        preset(models.ViT_B_16_Weights.IMAGENET1K_SWAG_E2E_V1),
        C1,
        "crop(resize_to=384)",
        IMAGENET,
        size=(384, 384),
    ),
    Elsewhere("v1-clip", v1(224, 224, Mode.BICUBIC, CLIP), C1, "crop(resize_to=224)", CLIP),
    Elsewhere(
        "v1-nearest",
        v1(248, 224, Mode.NEAREST, HALF),
        ("pillow-nearest", "opencv-nearest-exact", "torch-nearest-exact"),
        "crop(resize_to=248)",
        HALF,
    ),
    Elsewhere(
        "v1-lanczos",
        v1(236, 224, Mode.LANCZOS, IMAGENET),
        ("pillow-lanczos",),
        "crop(resize_to=236)",
        IMAGENET,
    ),
    Elsewhere(
        "v1-squash", v1((160, 160), 160, Mode.BILINEAR, HALF), L1, "squash", HALF, size=(160, 160)
    ),
    Elsewhere(
        "v1-imagenet-s",
        v1((256, 256), 224, Mode.BILINEAR, IMAGENET),
        L1,
        "squash(resize_to=256)",
        IMAGENET,
    ),
    Elsewhere(
        "v2-uint8", second(256, 224, Mode.BILINEAR, IMAGENET), L1, "crop(resize_to=256)", IMAGENET
    ),
    Elsewhere(
        "v2-bicubic", second(256, 224, Mode.BICUBIC, IMAGENET), C1, "crop(resize_to=256)", IMAGENET
    ),
    Elsewhere(
        "v2-float",
        second(235, 224, Mode.BILINEAR, IMAGENET, early=True),
        L1,
        "crop(resize_to=235)",
        IMAGENET,
    ),
    Elsewhere(
        "v2-no-antialias",
        second(256, 224, Mode.BILINEAR, IMAGENET, early=True, antialias=False),
        L0,
        "crop(resize_to=256)",
        IMAGENET,
    ),
    Elsewhere(
        "v2-bicubic-no-antialias",
        second(246, 224, Mode.BICUBIC, HALF, early=True, antialias=False),
        C0,
        "crop(resize_to=246)",
        HALF,
    ),
    Elsewhere("io-antialias", from_bytes(True), L1, "squash", NONE),
    Elsewhere("io-old-default", from_bytes(False), L0, "squash", NONE),
)
