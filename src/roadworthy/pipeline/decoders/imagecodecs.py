"""imagecodecs' JPEG codec."""

from __future__ import annotations

from roadworthy.pipeline.decoders._jpeg import plain_jpeg
from roadworthy.pipeline.stages import decoder
from roadworthy.types import Image


@decoder(reads=plain_jpeg, needs="imagecodecs", extra="decoders")
def imagecodecs(data: bytes, variant: str) -> Image:
    """Decode a JPEG to uint8 RGB (H, W, 3) with ``imagecodecs.jpeg8_decode`` (libjpeg-turbo)."""
    del variant
    from imagecodecs import jpeg8_decode

    pixels: Image = jpeg8_decode(data, outcolorspace="RGB")
    return pixels
