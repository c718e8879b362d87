"""Families of resizers: what differs between them is the filter, not whose it is."""

from __future__ import annotations

FAMILIES: dict[str, tuple[str, ...]] = {
    "bilinear without antialiasing": ("opencv-linear", "opencv-linear-exact", "torch-bilinear"),
    "bilinear with antialiasing": ("pillow-bilinear", "torch-bilinear-antialias"),
    "bicubic (a = -0.75) without antialiasing": ("opencv-cubic", "torch-bicubic"),
    "bicubic (a = -0.5) with antialiasing": ("pillow-bicubic", "torch-bicubic-antialias"),
    "Lanczos (3 lobes) with antialiasing": ("pillow-lanczos",),
    "Lanczos (4 lobes) without antialiasing": ("opencv-lanczos4",),
    "nearest, pixel centres": ("pillow-nearest", "opencv-nearest-exact", "torch-nearest-exact"),
    "nearest, rounded down": ("opencv-nearest", "torch-nearest"),
    "area": ("opencv-area",),
    "box": ("pillow-box", "torch-area"),
    "Hamming": ("pillow-hamming",),
}


def family_of(resizer: str) -> str:
    """Return the family of a resizer in words, or its own name."""
    return next((words for words, names in FAMILIES.items() if resizer in names), resizer)
