"""torchvision's own JPEG decoder on the CPU."""

from __future__ import annotations

from roadworthy.pipeline.decoders._jpeg import plain_jpeg
from roadworthy.pipeline.stages import decoder
from roadworthy.types import Image


@decoder(reads=plain_jpeg, needs="torchvision", extra="torch")
def torchvision(data: bytes, variant: str) -> Image:
    """Decode a JPEG to uint8 RGB (H, W, 3) with ``torchvision.io.decode_jpeg`` on the CPU.

    It links libjpeg-turbo; where it was built with another libjpeg its pixels differ. On a GPU it
    is nvJPEG, whose chroma is upsampled as in ``simplejpeg-no-fancy``.
    """
    del variant
    import torch
    from torchvision.io import ImageReadMode

    encoded = torch.frombuffer(bytearray(data), dtype=torch.uint8)
    # The operator behind decode_jpeg, which warns since 0.29 that others should be used instead.
    planes = torch.ops.image.decode_jpeg(encoded, ImageReadMode.RGB.value)
    pixels: Image = planes.permute(1, 2, 0).numpy()
    return pixels
