"""An ICC profile of Adobe RGB (1998), written out: three primaries and a gamma, version 2."""

from __future__ import annotations

import struct

_WHITE = (0.9642, 1.0, 0.8249)
_RED = (0.60974, 0.31111, 0.01947)
_GREEN = (0.20528, 0.62567, 0.06087)
_BLUE = (0.14919, 0.06322, 0.74457)
_GAMMA = 2 + 51 / 256


def adobe_rgb() -> bytes:
    """Return the profile; primaries are adapted to D50 as the ICC wants them."""
    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(_GAMMA * 256)) + bytes(2)
    tags = {
        b"desc": _description(b"Adobe RGB (1998) compatible"),
        b"cprt": b"text" + bytes(4) + b"No copyright\0",
        b"wtpt": _point(_WHITE),
        b"rXYZ": _point(_RED),
        b"gXYZ": _point(_GREEN),
        b"bXYZ": _point(_BLUE),
        b"rTRC": curve,
        b"gTRC": curve,
        b"bTRC": curve,
    }
    start = 128 + 4 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for name, content in tags.items():
        table += struct.pack(">4sII", name, start + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    return _header(start + len(body)) + table + body


def _header(size: int) -> bytes:
    head = struct.pack(">I4sI", size, bytes(4), 0x02100000) + b"mntrRGB XYZ "
    head += struct.pack(">6H", 2000, 1, 1, 0, 0, 0) + b"acsp" + bytes(28)
    return head + struct.pack(">3i", *(round(65536 * v) for v in _WHITE)) + bytes(48)


def _point(xyz: tuple[float, float, float]) -> bytes:
    return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(65536 * v) for v in xyz))


def _description(text: bytes) -> bytes:
    body = b"desc" + bytes(4) + struct.pack(">I", len(text) + 1) + text + b"\0"
    return body + bytes(4 + 4 + 2 + 1 + 67)
