"""Masks beside sets of subsets: which pixels of each picture stayed."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray

FOLDER = "masks"
SUFFIX = ".png"


def beside(file: str) -> str:
    """Return where the mask of a picture lies: ``keep/fraction=0.1/cat/1.png`` below ``masks``."""
    stem, dot, suffix = file.rpartition(".")
    return f"{FOLDER}/{file}" if suffix == "npy" else f"{FOLDER}/{stem if dot else file}{SUFFIX}"


def encoded(kept: NDArray[np.bool_]) -> bytes:
    """Return a mask (H, W) as a PNG of one bit: white where a pixel stayed."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(kept).save(buffer, "PNG")
    return buffer.getvalue()
