"""FFmpeg's own JPEG decoder, and its scaler from YUV to RGB."""

from __future__ import annotations

from typing import Any

from roadworthy.pipeline.decoders._jpeg import plain_jpeg
from roadworthy.pipeline.stages import decoder
from roadworthy.types import Image


@decoder("", "bicubic", "point", reads=plain_jpeg, needs="av", extra="decoders")
def pyav(data: bytes, variant: str) -> Image:
    """Decode a JPEG to uint8 RGB (H, W, 3) with FFmpeg through PyAV: its codec and swscale.

    swscale brings the chroma to full size bilinearly, as ``to_ndarray(format="rgb24")`` does;
    ``bicubic`` is what the command ``ffmpeg`` does by default, and ``point`` repeats the samples.
    """
    import av

    codec = av.CodecContext.create("mjpeg", "r")
    codec.thread_count = 1
    frames: list[Any] = [*codec.decode(av.Packet(data)), *codec.decode(None)]
    if not frames:
        raise ValueError("FFmpeg returned no picture")
    pixels: Image = frames[0].to_ndarray(
        format="rgb24", interpolation=variant.upper() or "BILINEAR"
    )
    return pixels
