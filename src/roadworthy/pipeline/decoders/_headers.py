"""A strict reading of JPEG headers, for libraries that do not survive a damaged one."""

from __future__ import annotations

from collections.abc import Callable

_SOF, _DHT, _SOS, _DQT, _DRI = (0xC0, 0xC1, 0xC2), 0xC4, 0xDA, 0xDB, 0xDD
_APPS = range(0xE0, 0xF0)


def check_headers(data: bytes) -> None:
    """Raise ValueError unless every segment before the first scan is whole, known and in bounds.

    Only 8-bit Huffman-coded files pass, with each component named once: what every libjpeg since
    6b reads without complaint up to the first scan.
    """
    position, components = 2, b""
    while True:
        if data[position] != 0xFF:
            raise ValueError("stray bytes between segments")
        kind, length = data[position + 1], int.from_bytes(data[position + 2 : position + 4], "big")
        body = data[position + 4 : position + 2 + length]
        if kind in _SOF and not components:
            components = _frame(body)
        elif kind in _BODIES and (kind != _SOS or components):
            _BODIES[kind](body)
        elif kind not in _APPS:
            raise ValueError(f"a segment of kind {kind:#04x} where none is expected")
        if kind == _SOS:
            return _scan(body, components)
        position += 2 + length


def _expect(good: bool, what: str) -> None:
    if not good:
        raise ValueError(f"a damaged {what}")


def _frame(body: bytes) -> bytes:
    count = body[5] if len(body) > 5 else 0
    _expect(count > 0 and len(body) == 6 + 3 * count and body[0] == 8, "frame header")
    _expect(max(int.from_bytes(body[i : i + 2], "big") for i in (1, 3)) <= 65_500, "frame size")
    factors = body[7::3]
    _expect(all(1 <= f >> 4 <= 4 and 1 <= f & 15 <= 4 for f in factors), "sampling factor")
    _expect(all(table < 4 for table in body[8::3]), "quantization table number")
    names = body[6::3]
    _expect(len(set(names)) == count, "list of components")
    return names


def _quantization(body: bytes) -> None:
    while body:
        _expect(body[0] >> 4 <= 1 and body[0] & 15 < 4, "quantization table")
        size = 1 + (128 if body[0] >> 4 else 64)
        _expect(len(body) >= size, "quantization table")
        body = body[size:]


def _huffman(body: bytes) -> None:
    while body:
        count = sum(body[1:17])
        _expect(body[0] & 0xEF < 4 and count <= 256, "Huffman table")
        _expect(len(body) >= 17 + count, "Huffman table")
        body = body[17 + count :]


def _restarts(body: bytes) -> None:
    _expect(len(body) == 2, "restart interval")


def _nothing(body: bytes) -> None:
    del body


def _scan(body: bytes, components: bytes) -> None:
    count = body[0] if body else 0
    _expect(1 <= count <= 4 and len(body) == 4 + 2 * count, "scan header")
    names = body[1 : 1 + 2 * count : 2]
    _expect(len(set(names)) == count and set(names) <= set(components), "scan header")


_BODIES: dict[int, Callable[[bytes], None]] = {
    _DQT: _quantization,
    _DHT: _huffman,
    _DRI: _restarts,
    _SOS: _nothing,
}
