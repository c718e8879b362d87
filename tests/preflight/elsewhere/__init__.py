"""Pipelines as people write them with other libraries; nothing here uses ours, nor ours this."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from elsewhere.base import Elsewhere

NEEDS = {
    "torchvision": "torchvision",
    "timm": "timm",
    "opencv": "cv2",
    "pillow": "PIL",
    "transformers": "transformers",
    "albumentations": "albumentations",
}
"""The files of this folder, and the package that each needs."""


def pipelines() -> list[Elsewhere]:
    """Return all pipelines whose library is installed."""
    found: list[Elsewhere] = []
    for name, package in NEEDS.items():
        if find_spec(package) is not None:
            found += import_module(f"elsewhere.of_{name}").PIPELINES
    return found
