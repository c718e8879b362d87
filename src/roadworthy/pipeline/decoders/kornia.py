"""kornia-rs: libjpeg-turbo called from Rust, and a decoder written in Rust."""

from __future__ import annotations

from roadworthy.pipeline.decoders._jpeg import plain_jpeg, three_channels
from roadworthy.pipeline.stages import decoder
from roadworthy.types import Image

_WORDS = {
    "turbo": "libjpeg-turbo, called from Rust by kornia-rs.",
    "rust": "kornia-rs's decoder written in Rust, which shares no code with any libjpeg.",
}


@decoder(words=_WORDS, reads=plain_jpeg, needs="kornia_rs", extra="decoders")
def kornia(data: bytes, variant: str) -> Image:
    """Decode a JPEG to uint8 RGB (H, W, 3) with kornia-rs.

    ``turbo`` is libjpeg-turbo; ``rust`` shares no code with any libjpeg and stands for decoders of
    newer languages.
    """
    from kornia_rs import io

    if variant == "turbo":
        return three_channels(io.decode_image_jpegturbo(data, "rgb"))
    return three_channels(io.decode_image_jpeg(data))
