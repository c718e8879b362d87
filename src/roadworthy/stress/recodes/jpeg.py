"""JPEG compression of the file itself, before any reading."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from PIL import Image as Pillow

from roadworthy.errors import UsageError
from roadworthy.stress.base import Encoded, recode


def _check(arguments: Mapping[str, Any]) -> None:
    if arguments["quality"] not in range(1, 101):
        raise UsageError(f"jpeg: quality is 1 to 100, not {arguments['quality']}")


@recode(level="quality", check=_check)
def jpeg(encoded: Encoded, *, quality: int) -> bytes:
    """Write the picture again as a baseline JPEG with 4:2:0 chroma at ``quality`` 1 to 100.

    This is what a messenger or a camera pipeline does to the file: it happens at the picture's own
    size, before the model's resize. (ImageNet-C's ``jpeg_compression`` works on the final frame.)
    """
    buffer = io.BytesIO()
    Pillow.fromarray(encoded.pixels).save(buffer, format="JPEG", quality=quality, subsampling=2)
    return buffer.getvalue()
