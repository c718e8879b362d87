"""What sequences share: their checks, and how frames follow each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from roadworthy.stress._kernels.demand import within
from roadworthy.types import Image

MOST_FRAMES = 1000


def check_sequence(
    stress: str, arguments: Mapping[str, Any], **bounds: tuple[float, float]
) -> None:
    """Raise UsageError unless ``frames`` and every parameter with ``bounds`` lies within them.

    Parameters that the user left to the table are not in ``arguments`` and are not looked at.
    """
    for name, (low, high) in {"frames": (2, MOST_FRAMES), **bounds}.items():
        within(stress, arguments, name, low, high)


def from_middle(frame: int, frames: int) -> int:
    """Return how many frames ``frame`` comes after the middle one, (frames - 1) // 2."""
    return frame - (frames - 1) // 2


def noise_frames(image: Image, frames: int, noisy: Callable[[], Image]) -> Iterator[Image]:
    """Yield ``image`` as it is and then, ``frames`` in all, what ``noisy`` returns each time."""
    yield image.copy()
    for _ in range(1, frames):
        yield noisy()
