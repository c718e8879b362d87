"""The eight EXIF orientations in every container that has them, and blocks that are broken."""

from __future__ import annotations

import io
import struct
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image as PillowImage
from PIL import ImageOps
from pipeline_files import AS_IS, encoded, oriented, seen, soft


@pytest.mark.parametrize("value", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_exif_orientation(value: int, kind: str) -> None:
    options = {"lossless": True} if kind == "WEBP" else {}
    data = encoded(soft(9, 14), kind, exif=oriented(value), **options)
    with PillowImage.open(io.BytesIO(data)) as picture:
        upright = np.asarray(ImageOps.exif_transpose(picture))
    ignored = seen(data)
    turned = seen(data, replace(AS_IS, orient="exif"))
    assert ignored.shape == (9, 14, 3)
    assert np.array_equal(turned, upright)
    assert turned.flags.c_contiguous
    assert (value == 1) == np.array_equal(ignored, turned)


@pytest.mark.parametrize("value", [0, 9, 200])
def test_an_invalid_orientation_turns_nothing(value: int) -> None:
    data = encoded(soft(9, 14), "JPEG", exif=oriented(value))
    assert seen(data, replace(AS_IS, orient="exif")).shape == (9, 14, 3)


@pytest.mark.parametrize("cut", range(40))
def test_a_corrupt_exif_block_neither_turns_nor_warns(cut: int) -> None:
    body = b"Exif\0\0" + b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0"[:cut]
    jpeg = encoded(soft(9, 14), "JPEG")
    data = jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + jpeg[2:]
    rows = 14 if cut >= 22 else 9
    assert seen(data, replace(AS_IS, orient="exif")).shape[0] == rows
