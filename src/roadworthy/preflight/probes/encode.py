"""Pictures as files: PNG of every kind, JPEG of every chroma layout, orientation and profile tags."""

from __future__ import annotations

import io
import struct
from typing import Any
from zlib import compress, crc32

import cv2
import numpy as np
from PIL import Image as PillowImage

from roadworthy.types import Image

QUALITY = 88
_FACTORS = {"420": 0x221111, "422": 0x211111, "440": 0x121111, "444": 0x111111}


def png(pixels: np.ndarray[Any, Any], *, palette: Image | None = None) -> bytes:
    """Return a PNG, lossless, of uint8 or uint16 pixels (H, W) or (H, W, 1 to 4).

    With ``palette``, uint8 (K, 3), the pixels (H, W) are indices.
    """
    height, width = pixels.shape[:2]
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    kind = 3 if palette is not None else {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    depth = 16 if pixels.dtype == np.uint16 else 8
    rows = np.ascontiguousarray(pixels.astype(">u2") if depth == 16 else pixels)
    lines = rows.reshape(height, -1).view(np.uint8).reshape(height, -1)
    raw = np.concatenate([np.zeros((height, 1), np.uint8), lines], axis=1).tobytes()
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", compress(raw, 1)), (b"IEND", b"")]
    if palette is not None:
        chunks.insert(1, (b"PLTE", palette.tobytes()))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, body) for name, body in chunks)


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", crc32(body, crc32(name)))


def jpeg(pixels: Image, chroma: str, *, progressive: bool = False) -> bytes:
    """Return a JPEG of RGB pixels (H, W, 3) with chroma laid out as 420, 422, 440 or 444."""
    flags = [cv2.IMWRITE_JPEG_QUALITY, QUALITY]
    flags += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, _FACTORS[chroma]]
    flags += [cv2.IMWRITE_JPEG_PROGRESSIVE, int(progressive)]
    done, data = cv2.imencode(".jpg", np.ascontiguousarray(pixels[:, :, ::-1]), flags)
    assert done
    return bytes(data)


def grey_jpeg(pixels: np.ndarray[Any, np.dtype[np.uint8]]) -> bytes:
    """Return a JPEG of one component, of grey pixels (H, W)."""
    done, data = cv2.imencode(
        ".jpg", np.ascontiguousarray(pixels), [cv2.IMWRITE_JPEG_QUALITY, QUALITY]
    )
    assert done
    return bytes(data)


def cmyk_jpeg(pixels: Image) -> bytes:
    """Return a JPEG of four inks with Adobe's marker, as Pillow writes it, of RGB pixels."""
    out = io.BytesIO()
    PillowImage.fromarray(pixels).convert("CMYK").save(out, "JPEG", quality=QUALITY)
    return out.getvalue()


def turned(data: bytes, orientation: int) -> bytes:
    """Return a JPEG with an EXIF block that says how to turn it: 1 to 8."""
    entry = struct.pack(">HHIHH", 0x0112, 3, 1, orientation, 0)
    block = b"Exif\0\0MM\0*" + struct.pack(">IH", 8, 1) + entry + bytes(4)
    return data[:2] + _segment(0xE1, block) + data[2:]


def profiled(data: bytes, profile: bytes) -> bytes:
    """Return a JPEG with an ICC profile in one segment."""
    return data[:2] + _segment(0xE2, b"ICC_PROFILE\0\x01\x01" + profile) + data[2:]


def _segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(body) + 2) + body
