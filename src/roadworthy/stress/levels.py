"""Severity tables: which published strength a severity means on a frame of a given size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from roadworthy.errors import UsageError


def table_for(height: int, width: int) -> int:
    """Return the table (224, 299, 64 or 32) that a frame takes, by its shorter side.

    The tables are published for frames of these sizes; in between, the nearest kind of data decides:
    ImageNet from 144 pixels, Tiny ImageNet from 48, CIFAR below; 299 for exactly 299.
    """
    side = min(height, width)
    if side == 299:
        return 299
    if side >= 144:
        return 224
    return 64 if side >= 48 else 32


def scale_for(height: int, width: int) -> float:
    """Return what lengths of the frame's table are multiplied by: 1 on frames of the table's size.

    Lengths grow with the frame from the tables of 224 and 64; those of 32 and 299 stay as printed.
    """
    table = table_for(height, width)
    return min(height, width) / table if table in (224, 64) else 1.0


@dataclass(frozen=True)
class Levels:
    """Five strengths for each table; ``names`` are the strength parameters of the function.

    ``lengths`` are those of them that are measured in pixels (radius, sigma, displacement) and grow
    with the frame; all others are amplitudes and do not.
    """

    names: tuple[str, ...]
    tables: Mapping[int, Sequence[Any]]
    lengths: frozenset[str] = frozenset()

    def strengths(self, severity: int, shape: tuple[int, ...]) -> dict[str, Any]:
        """Return the strength arguments for ``severity`` (1 to 5) on an image of ``shape`` (H, W, 3)."""
        value = self.tables[table_for(shape[0], shape[1])][severity - 1]
        values = value if isinstance(value, tuple) else (value,)
        scale = scale_for(shape[0], shape[1])
        found = dict(zip(self.names, values, strict=True))
        if scale == 1.0:
            return found
        return {name: v * scale if name in self.lengths else v for name, v in found.items()}


@dataclass(frozen=True)
class Frames:
    """Arguments of a sequence, and how far back the frame stands that each frame is compared with.

    ``stride`` None means the first frame of all.
    """

    arguments: Mapping[str, Any]
    stride: int | None

    def reference(self, index: int) -> int | None:
        """Return which frame is compared with frame ``index``, or None for those with none."""
        if self.stride is None:
            return 0 if index else None
        return index - self.stride if index >= self.stride else None


@dataclass(frozen=True)
class Tables:
    """Published values of a sequence for each table, and what its frames are compared with."""

    values: Mapping[int, Mapping[str, Any]]
    compare: Literal["first", "previous"]

    def on(self, frame: tuple[int, ...], given: Mapping[str, Any]) -> Frames:
        """Return how the frames are made on a cropped ``frame`` (H, W) and compared.

        What is ``given`` wins over the table.
        """
        arguments = {**self.values[table_for(frame[0], frame[1])], **given}
        difficulty = arguments.pop("difficulty")
        if self.compare == "previous":
            return Frames(arguments, difficulty)
        chosen = {
            name: value[difficulty - 1] if isinstance(value, tuple) else value
            for name, value in arguments.items()
        }
        return Frames(chosen, None)


def check_difficulty(difficulty: int, *, stress: str) -> None:
    """Raise UsageError unless ``difficulty`` is one of the three published ones."""
    if difficulty not in range(1, 4):
        raise UsageError(f"{stress}: difficulty is 1, 2 or 3, not {difficulty}")


def check_severity(severity: int, *, stress: str) -> None:
    """Raise UsageError unless ``severity`` is one of the five published ones."""
    if severity not in range(1, 6):
        raise UsageError(
            f"{stress}: severity is 1 to 5, not {severity} "
            f"(for no corruption use the stress 'clean'; for another strength name it)"
        )
