"""Rows of a frame in blocks whose intermediate values stay in the processor's cache."""

from __future__ import annotations

from collections.abc import Iterator

_BLOCK = 1 << 16
"""Values of a block: 256 kB as float32."""


def row_blocks(shape: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    """Yield (start, stop) of blocks of rows that cover an array of ``shape``."""
    height = shape[0]
    width = max(1, shape[1] * (shape[2] if len(shape) > 2 else 1))
    count = max(1, -(-height // max(1, _BLOCK // width)))
    rows = max(1, -(-height // count))
    for start in range(0, height, rows):
        yield start, min(height, start + rows)
