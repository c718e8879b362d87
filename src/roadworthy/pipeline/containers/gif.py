"""GIF: blocks to the trailer, with at least one picture among them."""

from __future__ import annotations

from roadworthy.pipeline.containers.base import BLOCKS_MAX, Header, counted, damaged, truncated

SIGNATURE = (b"GIF87a", b"GIF89a")
_TRAILER, _PICTURE, _EXTENSION = 0x3B, 0x2C, 0x21
_SUB_BLOCKS = BLOCKS_MAX * 10


def inspect(data: bytes) -> Header:
    """Read the size of a GIF and walk its blocks to the trailer; raises SampleError if it is cut.

    The first frame is the picture; the size covers it even where it exceeds the declared screen.
    """
    if len(data) < 13:
        raise truncated("GIF", "trailer", len(data))
    width, height = _u16(data, 6), _u16(data, 8)
    position, blocks, frames = 13 + _table(data[10]), 0, 0
    while True:
        blocks = counted("GIF", blocks)
        if position >= len(data):
            raise truncated("GIF", "trailer", len(data))
        kind = data[position]
        if kind == _TRAILER:
            break
        if kind == _PICTURE and position + 10 <= len(data):
            if not frames:
                width = max(width, _u16(data, position + 1) + _u16(data, position + 5))
                height = max(height, _u16(data, position + 3) + _u16(data, position + 7))
            frames += 1
            position += 11 + _table(data[position + 9])
        elif kind == _EXTENSION:
            position += 2
        else:
            raise damaged("GIF", f"an unknown block at byte {position}")
        position = _skip_sub_blocks(data, position)
    if not frames:
        raise damaged("GIF", "no picture before the trailer")
    return Header("GIF", width, height, pixels=data)


def _u16(data: bytes, position: int) -> int:
    return int.from_bytes(data[position : position + 2], "little")


def _table(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _skip_sub_blocks(data: bytes, position: int) -> int:
    for _ in range(_SUB_BLOCKS):
        if position >= len(data):
            raise truncated("GIF", "trailer", len(data))
        length = data[position]
        position += 1 + length
        if length == 0:
            return position
    raise damaged("GIF", "endless sub-blocks")
