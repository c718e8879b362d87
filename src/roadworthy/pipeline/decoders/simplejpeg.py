"""libjpeg-turbo with its fast options, which are the defaults elsewhere."""

from __future__ import annotations

from roadworthy.pipeline.decoders._jpeg import plain_jpeg
from roadworthy.pipeline.stages import decoder
from roadworthy.types import Image

_WORDS = {
    "": "libjpeg-turbo with its accurate options, through simplejpeg.",
    "ifast": "libjpeg-turbo with the fast integer inverse DCT: TensorFlow's default.",
    "no-fancy": "libjpeg-turbo that repeats chroma samples: as nvJPEG and DALI do by default.",
    "ifast-no-fancy": "libjpeg-turbo with the fast integer inverse DCT, and chroma samples repeated.",
}


@decoder(words=_WORDS, reads=plain_jpeg, needs="simplejpeg", extra="decoders")
def simplejpeg(data: bytes, variant: str) -> Image:
    """Decode a JPEG to uint8 RGB (H, W, 3) with libjpeg-turbo through simplejpeg.

    ``ifast`` takes the fast integer inverse DCT, as TensorFlow's decoders do unless told otherwise;
    it darkens by 0.8 levels on average. ``no-fancy`` repeats chroma samples instead of smoothing
    them, as GPU decoders (nvJPEG, DALI) do by default.
    """
    from simplejpeg import decode_jpeg

    # Not strict: a file that other libraries read with a warning is read.
    pixels: Image = decode_jpeg(
        data, fastdct="ifast" in variant, fastupsample="no-fancy" in variant, strict=False
    )
    return pixels
