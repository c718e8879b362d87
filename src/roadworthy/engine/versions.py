"""The versions that decide about numbers."""

from __future__ import annotations

import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version

PACKAGES = ("numpy", "pillow", "opencv-python-headless", "polars", "torch", "torchvision", "timm")


def versions() -> dict[str, str]:
    """Return the versions of roadworthy, Python and the packages that decide about numbers."""
    return dict(_versions())


@cache
def _versions() -> tuple[tuple[str, str], ...]:
    found = {"python": platform.python_version()}
    for package in ("roadworthy", *PACKAGES):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return tuple(found.items())
