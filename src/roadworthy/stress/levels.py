"""Severity tables: which published strength a severity means on a frame of a given size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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


@dataclass(frozen=True)
class Levels:
    """Five strengths for each table; ``names`` are the strength parameters of the function."""

    names: tuple[str, ...]
    tables: Mapping[int, Sequence[Any]]

    def strengths(self, severity: int, shape: tuple[int, ...]) -> dict[str, Any]:
        """Return the strength arguments for ``severity`` (1 to 5) on an image of ``shape`` (H, W, 3)."""
        value = self.tables[table_for(shape[0], shape[1])][severity - 1]
        values = value if isinstance(value, tuple) else (value,)
        return dict(zip(self.names, values, strict=True))


def check_severity(severity: int, *, stress: str) -> None:
    """Raise UsageError unless ``severity`` is one of the five published ones."""
    if severity not in range(1, 6):
        raise UsageError(
            f"{stress}: severity is 1 to 5, not {severity} "
            f"(for no corruption use the stress 'clean'; for another strength name it)"
        )
