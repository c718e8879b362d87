"""JPEG files as ImageNet-C is published: quality 85, half-resolution colour."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from PIL import Image as Pillow

from roadworthy.errors import SampleError, UsageError
from roadworthy.stores.base import Store, image_format
from roadworthy.stores.png import decode
from roadworthy.types import Image

LARGEST_SIDE = 65_500


def _check(arguments: Mapping[str, Any]) -> None:
    if arguments["quality"] not in range(1, 101):
        raise UsageError(f"jpeg: quality is 1 to 100, not {arguments['quality']}")


@image_format(check=_check)
def jpeg(*, quality: int = 85) -> Store:
    """Keep each frame as a baseline JPEG with 4:2:0 colour and optimised tables, named ``.JPEG``.

    Quality 85 is what the files of ImageNet-C have: most of the colour in noise does not survive it.
    Hendrycks & Dietterich, ICLR 2019.
    """

    def encode(frames: Sequence[Image], _noise: bool) -> bytes:
        (image,) = frames
        _check_size(image)
        buffer = io.BytesIO()
        Pillow.fromarray(image).save(
            buffer, "JPEG", quality=quality, optimize=True, subsampling=2, progressive=False
        )
        return buffer.getvalue()

    def round_trip(image: Image) -> Image:
        # Tables fitted to the picture make a smaller file of the same coefficients, so that the
        # quicker standard tables give the same pixels; tests hold both codecs together.
        _check_size(image)
        settings = [
            *(cv2.IMWRITE_JPEG_QUALITY, quality),
            *(cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420),
        ]
        _, data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), settings)
        pixels = cv2.imdecode(data, cv2.IMREAD_COLOR)
        return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8)

    return Store(
        suffix=".JPEG", lossless=False, encode=encode, decode=decode, round_trip=round_trip
    )


def _check_size(image: Image) -> None:
    height, width = image.shape[:2]
    if max(height, width) > LARGEST_SIDE:
        raise SampleError(
            f"{width}x{height} pixels do not fit into a JPEG, whose sides end at {LARGEST_SIDE}"
        )
