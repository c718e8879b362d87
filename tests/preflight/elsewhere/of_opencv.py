"""Recipes with OpenCV as they are found in deployments, with and without their usual mistakes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np

from elsewhere.base import C0, HALF, IMAGENET, L0, NONE, Elsewhere


def read(data: bytes, flags: int = cv2.IMREAD_COLOR) -> Any:
    return cv2.imdecode(np.frombuffer(data, np.uint8), flags)


def squash(
    interpolation: int, size: int, *, bgr: bool = False, stats: Any = IMAGENET
) -> Callable[[], Any]:
    def preprocess(data: bytes) -> Any:
        image = read(data)
        if not bgr:
            image = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
        image = cv2.resize(image, (size, size), interpolation=interpolation)
        image = (image.astype(np.float32) / 255 - stats[0]) / stats[1]
        return image.transpose(2, 0, 1)[None].astype(np.float32)

    return lambda: preprocess


def shorter_side(
    resize: int, size: int, interpolation: int, *, bgr: bool = False
) -> Callable[[], Any]:
    def preprocess(data: bytes) -> Any:
        image = read(data, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
        height, width = image.shape[:2]
        scale = resize / min(height, width)
        image = cv2.resize(
            image, (round(width * scale), round(height * scale)), interpolation=interpolation
        )
        top, left = (image.shape[0] - size) // 2, (image.shape[1] - size) // 2
        image = image[top : top + size, left : left + size]
        return image if bgr else image[:, :, ::-1]

    return lambda: preprocess


def letterbox(data: bytes) -> Any:
    """As detectors have it: longer side to the frame, grey bars, 0 to 1, NCHW."""
    image = read(data)
    height, width = image.shape[:2]
    scale = min(320 / height, 320 / width)
    new = round(width * scale), round(height * scale)
    image = cv2.resize(image, new, interpolation=cv2.INTER_LINEAR)
    dw, dh = (320 - new[0]) / 2, (320 - new[1]) / 2
    top, bottom = round(dh - 0.1), round(dh + 0.1)
    left, right = round(dw - 0.1), round(dw + 0.1)
    image = cv2.copyMakeBorder(
        image, top, bottom, left, right, cv2.BORDER_CONSTANT, value=(114, 114, 114)
    )
    return image[:, :, ::-1].transpose(2, 0, 1)[None].astype(np.float32) / 255


def blob(data: bytes) -> Any:
    """``cv2.dnn``'s own: squash, BGR means taken off, no scale, channels as OpenCV has them."""
    return cv2.dnn.blobFromImage(read(data), 1.0, (227, 227), (104, 117, 123))


def as_bytes(data: bytes) -> Any:
    """What a quantised network takes: uint8, NHWC."""
    image = cv2.cvtColor(read(data), cv2.COLOR_BGR2RGB)
    return cv2.resize(image, (192, 192), interpolation=cv2.INTER_AREA)[None]


def shifted(data: bytes) -> Any:
    """int8 with the zero point taken off."""
    image = cv2.cvtColor(read(data), cv2.COLOR_BGR2RGB)
    return (cv2.resize(image, (224, 224)).astype(np.int16) - 128).astype(np.int8)[None]


CAFFE = (tuple(v / 255 for v in (104, 117, 123)), (1 / 255,) * 3)
BYTES = ((0.0,) * 3, (1 / 255,) * 3)

PIPELINES = (
    Elsewhere("cv-linear", squash(cv2.INTER_LINEAR, 224), L0, "squash", IMAGENET, orient="exif"),
    Elsewhere(
        "cv-bgr",
        squash(cv2.INTER_LINEAR, 224, bgr=True),
        L0,
        "squash",
        IMAGENET,
        colour="bgr",
        orient="exif",
    ),
    Elsewhere(
        "cv-cubic",
        squash(cv2.INTER_CUBIC, 240, stats=HALF),
        C0,
        "squash",
        HALF,
        size=(240, 240),
        orient="exif",
    ),
    Elsewhere(
        "cv-area",
        squash(cv2.INTER_AREA, 224, stats=NONE),
        ("opencv-area",),
        "squash",
        NONE,
        orient="exif",
    ),
    Elsewhere(
        "cv-lanczos",
        squash(cv2.INTER_LANCZOS4, 260),
        ("opencv-lanczos4",),
        "squash",
        IMAGENET,
        size=(260, 260),
        orient="exif",
    ),
    Elsewhere(
        "cv-nearest",
        squash(cv2.INTER_NEAREST, 224),
        ("opencv-nearest", "torch-nearest"),
        "squash",
        IMAGENET,
        orient="exif",
    ),
    Elsewhere(
        "cv-crop",
        shorter_side(256, 224, cv2.INTER_LINEAR),
        L0,
        "rounded_crop(resize_to=256)",
        BYTES,
    ),
    Elsewhere(
        "cv-crop-bgr",
        shorter_side(248, 224, cv2.INTER_AREA, bgr=True),
        ("opencv-area",),
        "rounded_crop(resize_to=248)",
        BYTES,
        colour="bgr",
    ),
    Elsewhere(
        "cv-letterbox", lambda: letterbox, L0, "letterbox", NONE, size=(320, 320), orient="exif"
    ),
    Elsewhere(
        "cv-blob", lambda: blob, L0, "squash", CAFFE, size=(227, 227), colour="bgr", orient="exif"
    ),
    Elsewhere(
        "cv-bytes",
        lambda: as_bytes,
        ("opencv-area",),
        "squash",
        BYTES,
        size=(192, 192),
        orient="exif",
    ),
    Elsewhere(
        "cv-int8", lambda: shifted, L0, "squash", ((128 / 255,) * 3, (1 / 255,) * 3), orient="exif"
    ),
)
