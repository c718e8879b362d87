"""The textures of the published benchmark, read from a folder that the user has."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from roadworthy.errors import UsageError
from roadworthy.types import Image

FILES = ("frost1.png", "frost2.png", "frost3.png", "frost4.jpg", "frost5.jpg")
"""The files that are used, in the order of their draw; frost6.jpg belongs to the set but never is."""

_LARGEST = 1 << 26  # bytes of a file, and pixels of a picture


def check_folder(folder: str) -> None:
    """Raise UsageError unless ``folder`` holds all files; says which are missing and expected."""
    path = Path(folder)
    if not path.is_dir():
        raise UsageError(f"frost: textures: '{folder}' is no folder; give one with {_expected()}")
    missing = [name for name in FILES if not (path / name).is_file()]
    if missing:
        raise UsageError(
            f"frost: textures: '{folder}' has no {', '.join(missing)}; expected are {_expected()}, "
            f"as in the repository of ImageNet-C (without textures= frost makes its own)"
        )


def _expected() -> str:
    return f"{', '.join(FILES[:-1])} and {FILES[-1]}"


@lru_cache(maxsize=2)
def textures_in(folder: str) -> tuple[Image, ...]:
    """Return the five textures of ``folder``, uint8 RGB, read once.

    Raises UsageError for what is missing or cannot be read.
    """
    check_folder(folder)
    return tuple(_texture(Path(folder) / name) for name in FILES)


def _texture(path: Path) -> Image:
    size = path.stat().st_size
    if size > _LARGEST:
        raise UsageError(f"frost: textures: '{path}' has {size} bytes; at most {_LARGEST}")
    try:
        data = np.frombuffer(path.read_bytes(), np.uint8)
        pixels = cv2.imdecode(data, cv2.IMREAD_COLOR) if size else None
    except (OSError, cv2.error) as error:
        raise UsageError(f"frost: textures: '{path}' cannot be read: {error}") from error
    if pixels is None:
        raise UsageError(f"frost: textures: '{path}' is no picture that can be read (PNG or JPEG)")
    if min(pixels.shape[:2]) < 2 or pixels.shape[0] * pixels.shape[1] > _LARGEST:
        height, width = pixels.shape[:2]
        raise UsageError(f"frost: textures: '{path}' is {height} x {width} pixels, of no use here")
    texture = np.ascontiguousarray(pixels[:, :, ::-1])
    texture.flags.writeable = False
    return texture
