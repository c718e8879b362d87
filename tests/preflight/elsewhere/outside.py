"""Pipelines outside of every known family: what they do has no name, and none must be given."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageEnhance, ImageFilter, ImageOps
from torchvision import transforms


@dataclass(frozen=True)
class Outside:
    """A pipeline, and the part of it that must come out as unknown."""

    name: str
    make: Callable[[], Any]
    part: str


def on_picture(change: Callable[[Any], Any], *, after: bool = False) -> Callable[[], Any]:
    """Return the usual pipeline of Pillow with a change before, or after, its resize."""

    def preprocess(data: bytes) -> Any:
        image = Image.open(io.BytesIO(data)).convert("RGB")
        image = image if after else change(image)
        image = image.resize((224, 224), Image.Resampling.BILINEAR)
        return np.asarray(change(image) if after else image, np.float32) / 255

    return lambda: preprocess


def opened(data: bytes) -> Any:
    return Image.open(io.BytesIO(data)).convert("RGB")


def standardised(data: bytes) -> Any:
    image = np.asarray(opened(data).resize((224, 224)), np.float32)
    return (image - image.mean()) / max(float(image.std()), 1 / 224)


def own_kernel(data: bytes) -> Any:
    """Block means by a cumulative sum, cells of unequal size."""
    image = np.asarray(opened(data), np.float64)
    for axis in (0, 1):
        edges = np.linspace(0, image.shape[axis], 113).astype(int)
        image = np.add.reduceat(image, np.minimum(edges[:-1], image.shape[axis] - 1), axis)
        count = np.maximum(np.diff(edges), 1).reshape((-1, 1, 1) if axis == 0 else (1, -1, 1))
        image = image / count
    return image.astype(np.float32) / 255


def pyramid(data: bytes) -> Any:
    image = cv2.pyrDown(np.asarray(opened(data)))
    return cv2.resize(image, (224, 224), interpolation=cv2.INTER_AREA)


def two_steps(data: bytes) -> Any:
    image = opened(data).resize((320, 320), Image.Resampling.BILINEAR)
    return np.asarray(image.resize((224, 224), Image.Resampling.BILINEAR))


def corner(data: bytes) -> Any:
    image = transforms.functional.resize(opened(data), 256)
    return np.asarray(image.crop((0, 0, 224, 224)))


def rotated(data: bytes) -> Any:
    image = opened(data).resize((224, 224), Image.Resampling.BILINEAR)
    return np.asarray(image.rotate(4, Image.Resampling.BICUBIC))


def recompressed(data: bytes) -> Any:
    image = cv2.resize(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR), (224, 224))
    again: Any = cv2.imdecode(cv2.imencode(".jpg", image)[1], cv2.IMREAD_COLOR)
    return again[:, :, ::-1]


def flipped(data: bytes) -> Any:
    image = np.asarray(opened(data).resize((224, 224)))
    return image[:, ::-1] if np.random.random() < 0.5 else image


def equalised(data: bytes) -> Any:
    lab = cv2.cvtColor(np.asarray(opened(data).resize((224, 224))), cv2.COLOR_RGB2LAB)
    lab[:, :, 0] = cv2.createCLAHE(2.0).apply(lab[:, :, 0])
    return cv2.cvtColor(lab, cv2.COLOR_LAB2RGB)


def reflected(data: bytes) -> Any:
    image = np.asarray(opened(data))
    short = max(image.shape[:2]) - np.array(image.shape[:2])
    pads = [(int(s) // 2, int(s) - int(s) // 2) for s in short]
    return cv2.resize(np.pad(image, (*pads, (0, 0)), "reflect"), (224, 224))


def luma_chroma(data: bytes) -> Any:
    return cv2.cvtColor(np.asarray(opened(data).resize((224, 224))), cv2.COLOR_RGB2YCrCb)


PIPELINES = (
    Outside(
        "random-crop",
        lambda: transforms.Compose([transforms.RandomResizedCrop(224), transforms.ToTensor()]),
        "geometry",
    ),
    Outside("random-flip", lambda: flipped, "geometry"),
    Outside(
        "jitter",
        lambda: transforms.Compose(
            [
                transforms.Resize((224, 224)),
                transforms.ColorJitter(0.4, 0.4, 0.4),
                transforms.ToTensor(),
            ]
        ),
        "normalisation",
    ),
    Outside(
        "saturation",
        on_picture(lambda i: ImageEnhance.Color(i).enhance(1.4), after=True),
        "normalisation",
    ),
    Outside(
        "contrast",
        on_picture(lambda i: ImageEnhance.Contrast(i).enhance(1.3), after=True),
        "normalisation",
    ),
    Outside(
        "brightness",
        on_picture(lambda i: ImageEnhance.Brightness(i).enhance(0.9), after=True),
        "normalisation",
    ),
    Outside("standardised", lambda: standardised, "normalisation"),
    Outside("blur-before", on_picture(lambda i: i.filter(ImageFilter.GaussianBlur(1))), "resize"),
    Outside(
        "sharpen-after", on_picture(lambda i: i.filter(ImageFilter.SHARPEN), after=True), "resize"
    ),
    Outside(
        "gamma",
        on_picture(lambda i: i.point([round(255 * (v / 255) ** 0.8) for v in range(256)] * 3)),
        "normalisation",
    ),
    Outside(
        "posterise", on_picture(lambda i: ImageOps.posterize(i, 5), after=True), "normalisation"
    ),
    Outside("equalised", lambda: equalised, "normalisation"),
    Outside("ycrcb", lambda: luma_chroma, "colour"),
    Outside("two-steps", lambda: two_steps, "resize"),
    Outside("own-kernel", lambda: own_kernel, "resize"),
    Outside("pyramid", lambda: pyramid, "resize"),
    Outside("recompressed", lambda: recompressed, "resize"),
    Outside("corner", lambda: corner, "geometry"),
    Outside("rotated", lambda: rotated, "geometry"),
    Outside("reflected", lambda: reflected, "geometry"),
)
