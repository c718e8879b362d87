"""Which libraries, and which codecs inside them, read images here."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, version

from roadworthy.engine.versions import versions

MORE = (
    "transformers",
    "albumentations",
    "simplejpeg",
    "imagecodecs",
    "jpeglib",
    "av",
    "pyvips",
    "kornia-rs",
    "scikit-image",
)


def manifest() -> dict[str, str]:
    """Return versions by library, and of the JPEG codecs that Pillow and OpenCV are linked with."""
    found = {**versions(), "machine": _machine()}
    for package in MORE:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return {**found, "pillow: libjpeg": _of_pillow(), "opencv: libjpeg": _of_opencv()}


def _machine() -> str:
    import platform

    return f"{platform.system()} {platform.machine()}"


def _of_pillow() -> str:
    from PIL import features

    turbo = features.version("libjpeg_turbo") if features.check("libjpeg_turbo") else None
    return f"libjpeg-turbo {turbo}" if turbo else f"libjpeg {features.version('jpg')}"


def _of_opencv() -> str:
    from roadworthy.pipeline.native import opencv

    found = re.search(r"^\s*JPEG:\s*(.+)$", opencv().getBuildInformation(), re.MULTILINE)
    return found[1].strip() if found else "unknown"


def in_words(found: dict[str, str]) -> str:
    """Return a manifest as one line, the codecs first."""
    first = [k for k in found if ":" in k]
    shown = [*first, *(k for k in found if k not in first and k in _READERS)]
    return ", ".join(f"{k} {found[k]}" for k in shown)


_READERS = ("pillow", "opencv-python-headless", "torchvision", "timm", "transformers", "machine")
