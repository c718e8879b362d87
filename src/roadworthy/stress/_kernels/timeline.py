"""What all sequences check, and where the middle frame stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from roadworthy.errors import UsageError

MOST_FRAMES = 1000


def check_sequence(
    stress: str, arguments: Mapping[str, Any], **bounds: tuple[float, float]
) -> None:
    """Raise UsageError unless ``frames`` and every parameter with ``bounds`` lies within them.

    Parameters that the user left to the table are not in ``arguments`` and are not looked at.
    """
    for name, (low, high) in {"frames": (2, MOST_FRAMES), **bounds}.items():
        value = arguments.get(name, low)
        if not low <= value <= high:
            raise UsageError(f"{stress}: {name} is {low:g} to {high:g}, not {value}")


def from_middle(frame: int, frames: int) -> int:
    """Return how many frames ``frame`` comes after the middle one, (frames - 1) // 2."""
    return frame - (frames - 1) // 2
