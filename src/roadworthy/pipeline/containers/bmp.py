"""BMP: the header, and as many bytes of pixels as it announces."""

from __future__ import annotations

from roadworthy.pipeline.containers.base import Header, damaged, short, truncated

SIGNATURE = b"BM"
_RAW = (0, 3, 6)  # uncompressed, with or without bit fields


def inspect(data: bytes) -> Header:
    """Read the size of a BMP and make sure its pixels are all there; raises SampleError if not."""
    if len(data) < 34:
        raise truncated("BMP", "complete header", len(data))
    start, header = int.from_bytes(data[10:14], "little"), int.from_bytes(data[14:18], "little")
    if header == 12:
        width, height = _i16(data, 18), _i16(data, 20)
        bits, compression = _i16(data, 24), 0
    else:
        width = int.from_bytes(data[18:22], "little", signed=True)
        height = abs(int.from_bytes(data[22:26], "little", signed=True))  # negative: top row first
        bits, compression = _i16(data, 28), int.from_bytes(data[30:34], "little")
    if width < 0:
        raise damaged("BMP", f"a width of {width} pixels")
    needed = int.from_bytes(data[2:6], "little")
    if compression in _RAW:
        needed = start + (width * bits + 31) // 32 * 4 * height
    if needed > len(data):
        raise short("BMP", needed, len(data))
    return Header("BMP", width, height, pixels=data)


def _i16(data: bytes, position: int) -> int:
    return int.from_bytes(data[position : position + 2], "little")
