"""PBM, PGM and PPM, plain (P1 to P3) and raw (P4 to P6)."""

from __future__ import annotations

import re

from roadworthy.pipeline.containers.base import Header, short, truncated

SIGNATURE = (b"P1", b"P2", b"P3", b"P4", b"P5", b"P6")
_GAP = rb"(?:\s|#[^\n]{0,1000}\n)+"
_SIZE = re.compile(rb"P[1-6]" + _GAP + rb"(\d{1,9})" + _GAP + rb"(\d{1,9})(?=\s)")
_RANGE = re.compile(_GAP + rb"(\d{1,5})\s")


def inspect(data: bytes) -> Header:
    """Read the size of a PPM and, where it is raw, its length; raises SampleError if it is cut."""
    head = data[:4096]
    size = _SIZE.match(head)
    if size is None:
        raise truncated("PPM", "complete header", len(data))
    width, height = int(size[1]), int(size[2])
    kind, start, deep = head[1:2], size.end() + 1, False
    if kind not in b"14":
        limit = _RANGE.match(head, size.end())
        if limit is None:
            raise truncated("PPM", "complete header", len(data))
        start, deep = limit.end(), int(limit[1]) > 255
    row = {b"4": (width + 7) // 8, b"5": width, b"6": 3 * width}.get(kind, 0)
    needed = start + row * height * (2 if deep else 1)
    if needed > len(data):
        raise short("PPM", needed, len(data))
    return Header("PPM", width, height, pixels=data)
