"""libvips, without its colour management and without shrinking while it loads."""

from __future__ import annotations

from roadworthy.pipeline.decoders._jpeg import plain_jpeg, three_channels
from roadworthy.pipeline.native import vips
from roadworthy.pipeline.stages import decoder
from roadworthy.types import Image


@decoder(reads=plain_jpeg, needs="pyvips", extra="decoders")
def pyvips(data: bytes, variant: str) -> Image:
    """Decode a JPEG to uint8 RGB (H, W, 3) with ``pyvips.Image.new_from_buffer``.

    That is the plain load; ``thumbnail`` decodes at a fraction of the size and turns the picture,
    which is another resizer rather than another decoder.
    """
    del variant
    return three_channels(vips().Image.new_from_buffer(data, "").numpy())
