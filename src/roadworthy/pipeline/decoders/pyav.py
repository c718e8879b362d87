"""FFmpeg's own JPEG decoder, and its scaler from YUV to RGB."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Any

from roadworthy.pipeline.decoders._jpeg import plain_jpeg
from roadworthy.pipeline.stages import decoder
from roadworthy.types import Image

_ACCURATE = "BICUBIC", "ACCURATE_RND", "FULL_CHR_H_INT"
_WAYS = {"": ("BILINEAR",), "bicubic": ("BICUBIC",), "point": ("POINT",), "accurate": _ACCURATE}
_WORDS = {
    "": "FFmpeg's decoder and swscale as PyAV's to_ndarray calls it: bilinear.",
    "bicubic": "FFmpeg's decoder and swscale's bicubic, the default of the command ffmpeg.",
    "point": "FFmpeg's decoder and swscale's point: chroma samples repeated.",
    "accurate": "FFmpeg's decoder and swscale with accurate_rnd and full_chroma_int.",
}


@decoder(words=_WORDS, reads=plain_jpeg, needs="av", extra="decoders")
def pyav(data: bytes, variant: str) -> Image:
    """Decode a JPEG to uint8 RGB (H, W, 3) with FFmpeg through PyAV: its codec and swscale.

    Without a variant it is ``to_ndarray(format="rgb24")``. For pictures of even height swscale takes
    a fast way then, which repeats chroma samples and rounds down, whatever the filter; in others it
    fills them in bilinearly, or with ``bicubic``, the default of the command ``ffmpeg``, or ``point``.
    ``accurate`` (bicubic, accurate_rnd, full_chroma_int) never takes that way.
    """
    import av
    from av.video.reformatter import Interpolation

    codec = av.CodecContext.create("mjpeg", "r")
    codec.thread_count = 1
    frames: list[Any] = [*codec.decode(av.Packet(data)), *codec.decode(None)]
    if not frames:
        raise ValueError("FFmpeg returned no picture")
    how = reduce(or_, (Interpolation[name] for name in _WAYS[variant]))
    pixels: Image = frames[0].to_ndarray(format="rgb24", interpolation=how)
    return pixels
