"""Pillow and NumPy alone."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from elsewhere.base import C1, HALF, IMAGENET, L1, NONE, Elsewhere


def opened(data: bytes) -> Any:
    return Image.open(io.BytesIO(data)).convert("RGB")


def squash(data: bytes) -> Any:
    image = np.asarray(opened(data).resize((224, 224)), np.float32) / 255
    return (image - np.array(IMAGENET[0], np.float32)) / np.array(IMAGENET[1], np.float32)


def upright(data: bytes) -> Any:
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
    image = image.resize((299, 299), Image.Resampling.BILINEAR)
    return np.asarray(image, np.float32)[None] / 127.5 - 1


def padded(data: bytes) -> Any:
    image = ImageOps.pad(opened(data), (256, 256), Image.Resampling.BICUBIC)
    return np.asarray(image).transpose(2, 0, 1) / 255.0


def shorter_side(data: bytes) -> Any:
    image = opened(data)
    scale = 256 / min(image.size)
    image = image.resize(
        (int(image.width * scale), int(image.height * scale)), Image.Resampling.BOX
    )
    left, top = (image.width - 224) // 2, (image.height - 224) // 2
    return np.asarray(image.crop((left, top, left + 224, top + 224)))


def half(data: bytes) -> Any:
    image = np.asarray(opened(data).resize((128, 128), Image.Resampling.HAMMING))
    return ((image / 255 - 0.5) / 0.5).astype(np.float16).transpose(2, 0, 1)


PIPELINES = (
    Elsewhere("pil-default", lambda: squash, C1, "squash", IMAGENET),
    Elsewhere("pil-upright", lambda: upright, L1, "squash", HALF, size=(299, 299), orient="exif"),
    Elsewhere("pil-pad", lambda: padded, C1, "pad", NONE, size=(256, 256)),
    Elsewhere(
        "pil-box",
        lambda: shorter_side,
        ("pillow-box",),
        "floor_crop(resize_to=256)",
        ((0.0,) * 3, (1 / 255,) * 3),
    ),
    Elsewhere("pil-half", lambda: half, ("pillow-hamming",), "squash", HALF, size=(128, 128)),
)
