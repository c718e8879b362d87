"""albumentations, which resizes with OpenCV; handed RGB arrays, as its users do."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import cv2

from elsewhere.base import HALF, IMAGENET, L0, Elsewhere

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")


def composed(*steps: tuple[str, dict[str, Any]]) -> Callable[[], Any]:
    def make() -> Any:
        import albumentations

        return albumentations.Compose(
            [getattr(albumentations, name)(**given) for name, given in steps]
        )

    return make


PIPELINES = (
    Elsewhere(
        "albu-crop",
        composed(
            ("SmallestMaxSize", {"max_size": 256}),
            ("CenterCrop", {"height": 224, "width": 224}),
            ("Normalize", {}),
        ),
        L0,
        "rounded_crop(resize_to=256)",
        IMAGENET,
    ),
    Elsewhere(
        "albu-area",
        composed(
            ("Resize", {"height": 224, "width": 224, "interpolation": cv2.INTER_AREA}),
            ("Normalize", {"mean": HALF[0], "std": HALF[1]}),
        ),
        ("opencv-area",),
        "squash",
        HALF,
    ),
    Elsewhere(
        "albu-pad",
        composed(
            ("LongestMaxSize", {"max_size": 256}),
            ("PadIfNeeded", {"min_height": 256, "min_width": 256, "border_mode": 0, "fill": 114}),
            ("Normalize", {}),
        ),
        L0,
        "letterbox",
        IMAGENET,
        size=(256, 256),
    ),
)
