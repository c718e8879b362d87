"""Other members of the libjpeg family: IJG 7 and later, and the floating-point DCT."""

from __future__ import annotations

import ctypes
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from roadworthy.pipeline.decoders._headers import check_headers
from roadworthy.pipeline.decoders._jpeg import plain_jpeg, size
from roadworthy.pipeline.stages import decoder
from roadworthy.types import Image

_INTEGER, _FLOAT = 0, 2  # J_DCT_METHOD of jpeglib.h
_RGB, _DEFAULT = 2, -1
_LIBRARIES = {
    "9f": ("9f", _INTEGER),
    "6b-float": ("6b", _FLOAT),
    "turbo-float": ("turbo210", _FLOAT),
}


_WORDS = {
    "9f": "The Independent JPEG Group's libjpeg 9f: chroma brought to full size inside the DCT.",
    "6b-float": "The Independent JPEG Group's libjpeg 6b with the floating-point inverse DCT.",
    "turbo-float": "libjpeg-turbo 2.1 with the floating-point inverse DCT.",
}


@decoder(words=_WORDS, reads=plain_jpeg, needs="jpeglib", extra="decoders")
def jpeglib(data: bytes, variant: str) -> Image:
    """Decode a JPEG to uint8 RGB (H, W, 3) with one of the libraries that jpeglib ships.

    ``9f`` is the Independent JPEG Group's, which since version 7 brings chroma to full size inside
    the DCT; Pillow from conda and some distributions links it. ``6b-float`` and ``turbo-float``
    (libjpeg-turbo 2.1) take the floating-point inverse DCT.
    """
    check_headers(data)  # the package's error path closes a file that it never opened
    library, method = _LIBRARIES[variant]
    height, width = size(data)
    pixels = np.empty((height, width, 3), np.uint8)
    place = pixels.ctypes.data_as(ctypes.c_void_p)
    keep, all_on = ctypes.c_uint(0), ctypes.c_uint(0xFFFFFFFF)
    with _file(data) as path:
        # Straight into the shared library: the package's own call reads the file three times, and
        # keeps the choice of library, and markers, in variables that all threads share.
        good = _library(library).read_jpeg_spatial(
            os.fsencode(path), place, None, None, _RGB, _DEFAULT, method, keep, all_on
        )
    if not good:
        raise ValueError(f"libjpeg {library} gave up")
    return pixels


@cache
def _library(name: str) -> Any:
    from jpeglib import cjpeglib

    (path,) = [p for f in cjpeglib.__path__ for p in Path(f).glob(f"cjpeglib_{name}.*")]
    return ctypes.CDLL(str(path))


@contextmanager
def _file(data: bytes) -> Iterator[str]:
    """Give ``data`` a path: in memory where the system can, else in a temporary file."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("roadworthy")
        try:
            with os.fdopen(descriptor, "wb", closefd=False) as file:
                file.write(data)
            yield f"/proc/self/fd/{descriptor}"
        finally:
            os.close(descriptor)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture.jpg"
        path.write_bytes(data)
        yield str(path)
